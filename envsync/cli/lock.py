"""`envsync lock`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envsync.cli._findings import show_warnings
from envsync.cli._options import DEFINITION
from envsync.cli._progress import report_progress
from envsync.workflow.lock import lock

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="lock")
@DEFINITION
@click.option(
    "--subdir",
    "subdirs",
    multiple=True,
    metavar="SUBDIR",
    help="Lock for this conda subdir, such as linux-64 or osx-arm64; repeatable. "
    "By default: the definition's Docker platform and this machine's.",
)
def command(directory: Path, subdirs: tuple[str, ...]) -> None:
    """Pin the definition in DIR: solve it and write conda-lock.yml beside it."""
    with report_progress() as reporter:
        outcome = lock(directory, subdirs=subdirs, reporter=reporter)
    show_warnings(outcome.warnings)
    for subdir in outcome.lockfile.subdirs:
        packages = outcome.lockfile.packages_for(subdir)
        pip = sum(package.manager == "pip" for package in packages)
        click.echo(f"{subdir}: {len(packages) - pip} conda packages, {pip} pip packages", err=True)
    click.echo(
        f"Wrote `{outcome.path}`" if outcome.changed else f"`{outcome.path}` is unchanged", err=True
    )
