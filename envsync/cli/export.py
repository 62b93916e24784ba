"""`envsync export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from envsync.cli.options.source import BASE_IMAGE, SOURCE_FORMAT
from envsync.cli.terminal.findings import show_warnings
from envsync.workflow.definition.export import TARGET_FORMATS, ExportRequest, export
from envsync.workflow.lock.export import LOCK_FORMATS, dump_lock, write_lock

if TYPE_CHECKING:
    from envsync.workflow.definition.export import TargetFormat


@click.command(name="export")
@click.argument("source", metavar="SOURCE", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "target_format",
    required=True,
    type=click.Choice((*TARGET_FORMATS, *LOCK_FORMATS)),
    help="What to write: the environment YAML of Azure ML v2, a conda environment file, or of a "
    "lock its conda packages (explicit), its pip packages (pylock) or both (pixi).",
)
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="A file that ends in .yml or .yaml, or a folder; by default one file to stdout.",
)
@SOURCE_FORMAT
@BASE_IMAGE
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
@click.option(
    "--subdir",
    metavar="SUBDIR",
    help="Of a lock; by default this machine's, for pixi and pylock all.",
)
@click.option("--offline", is_flag=True, help="Ask no index for other files of pip packages.")
def command(
    source: Path,
    target_format: str,
    output: Path | None,
    subdir: str | None,
    *,
    overwrite: bool,
    offline: bool,
    **origin: str | None,
) -> None:
    """Write the definition or lock SOURCE in another format, and list what that can't hold.

    A v2 definition in a folder is environment.yml, as `az ml environment create -f` takes it,
    with conda.yml beside it; in one file its conda dependencies are inline.
    """
    if target_format in LOCK_FORMATS:
        locked = dump_lock(source, target_format, subdir=subdir, output=output, offline=offline)
        show_warnings(locked.warnings)
        _deliver(locked.text, output, overwrite=overwrite)
        return
    request = ExportRequest(
        source=source,
        target_format=cast("TargetFormat", target_format),
        output=output,
        overwrite=overwrite,
        **origin,  # type: ignore[arg-type]  # click has checked the format's name
    )
    outcome = export(request)
    show_warnings(outcome.warnings)
    if outcome.text is not None:
        click.echo(outcome.text, nl=False)
    for path in outcome.paths:
        click.echo(f"Wrote `{path}`")


def _deliver(text: str, output: Path | None, *, overwrite: bool) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    write_lock(output, text, overwrite=overwrite)
    click.echo(f"Wrote `{output}`")
