"""`envsync build-local`."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import click

from envsync.cli.options.environment import (
    DEFINITION,
    ENVIRONMENT_NAME,
    ENVIRONMENT_PREFIX,
    check_one_place,
)
from envsync.cli.options.image import MOST_LAYERS, ImageArguments, image_options, show_outcome
from envsync.cli.terminal.findings import show_warnings
from envsync.cli.terminal.progress import report_progress
from envsync.model.text.wording import count, shell_quote
from envsync.workflow.environment.build import build_local

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="build-local")
@DEFINITION
@ENVIRONMENT_NAME
@ENVIRONMENT_PREFIX
@click.option("--frozen", is_flag=True, help="Take the lock as it is, even if it is stale.")
@click.option("--reinstall", is_flag=True, help="Make it anew, from packages checked in full.")
@click.option("--offline", is_flag=True, help="Take packages from caches and files alone.")
@click.option("--no-build", is_flag=True, help="Refuse source code, which is run to build it.")
@image_options
def command(  # noqa: PLR0913  # one for each option
    directory: Path,
    name: str | None,
    prefix: Path | None,
    *,
    frozen: bool,
    reinstall: bool,
    offline: bool,
    no_build: bool,
    **image: Any,
) -> None:
    """Make the conda environment that the lock in DIR describes, or update it.

    With --docker or another option about images, an image of it is made instead.
    """
    asked = ImageArguments(**image)
    if asked.is_asked_for:
        if prefix is not None:
            message = "`--prefix` is for environments; in an image they lie at `/azureml-envs/NAME`"
            raise click.UsageError(message)
        if reinstall:
            message = "`--reinstall` is for environments; what images are made of is always checked"
            raise click.UsageError(message)
        if offline:
            message = "`--offline` is for environments, and not for images"
            raise click.UsageError(message)
        options = {"name": name, "frozen": frozen, "no_build": no_build}
        _build_image(directory, asked, **options)
        return
    check_one_place(name, prefix)
    if reinstall and offline:
        message = "`--reinstall` fetches what it can't trust, and `--offline` fetches nothing"
        raise click.UsageError(message)
    with report_progress() as reporter:
        outcome = build_local(
            directory,
            reporter=reporter,
            prefix=prefix,
            name=name,
            frozen=frozen,
            mode="reinstall" if reinstall else "offline" if offline else "update",
            no_build=no_build,
        )
    show_warnings(outcome.warnings)
    if outcome.changed:
        packages = count(outcome.package_count, "package")
        click.echo(f"Made `{outcome.prefix}` with {packages}", err=True)
        click.echo(_say_how_to_enter(directory, outcome.prefix, name, prefix), err=True)
    else:
        click.echo(f"`{outcome.prefix}` is up to date", err=True)


def _say_how_to_enter(directory: Path, made: Path, name: str | None, prefix: Path | None) -> str:
    for program in ("conda", "mamba", "micromamba"):
        if shutil.which(program):
            return f"Activate it with `{program} activate {shell_quote(made)}`"
    place = f"-p {shell_quote(prefix)} " if prefix else f"-n {shell_quote(name)} " if name else ""
    return f"Run a command in it with `envsync run {place}{shell_quote(directory)} COMMAND`"


def _build_image(directory: Path, asked: ImageArguments, **options: Any) -> None:
    from envsync.workflow.image.build import ImageOptions, build_image  # noqa: PLC0415  # only here

    chosen = ImageOptions(base=asked.base, max_layers=asked.max_layers or MOST_LAYERS, **options)
    with report_progress() as reporter:
        outcome = build_image(
            directory, targets=asked.to_targets(), options=chosen, reporter=reporter
        )
    show_warnings(outcome.warnings)
    show_outcome(outcome, asked)
