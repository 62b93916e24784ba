"""`envsync export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from envsync.cli._findings import show_warnings
from envsync.cli._source_options import BASE_IMAGE, SOURCE_FORMAT
from envsync.workflow.export import TARGET_FORMATS, ExportRequest, export

if TYPE_CHECKING:
    from envsync.spec.formats import SourceFormat
    from envsync.workflow.export import TargetFormat


@click.command(name="export")
@click.argument("source", metavar="SOURCE", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "target_format",
    required=True,
    type=click.Choice(TARGET_FORMATS),
    help="What to write: the environment YAML of Azure ML v2, or a conda environment file.",
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
def command(
    source: Path,
    target_format: TargetFormat,
    output: Path | None,
    source_format: SourceFormat | None,
    image: str | None,
    *,
    overwrite: bool,
) -> None:
    """Write the definition SOURCE in another format, and list what that format can't hold.

    A v2 definition in a folder is environment.yml, as `az ml environment create -f` takes it,
    with conda.yml beside it; in one file its conda dependencies are inline.
    """
    request = ExportRequest(
        source=source,
        target_format=target_format,
        output=output,
        source_format=source_format,
        image=image,
        overwrite=overwrite,
    )
    outcome = export(request)
    show_warnings(outcome.warnings)
    if outcome.text is not None:
        click.echo(outcome.text, nl=False)
    for path in outcome.paths:
        click.echo(f"Wrote `{path}`")
