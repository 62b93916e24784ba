"""`envsync save-to-directory`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from envsync.cli.options.source import BASE_IMAGE, SOURCE_FORMAT
from envsync.cli.terminal.findings import show_warnings
from envsync.cli.terminal.progress import report_progress
from envsync.workflow.definition.save import save_to_directory

if TYPE_CHECKING:
    from envsync.definition.formats import SourceFormat
    from envsync.errors import Finding


@click.command(name="save-to-directory")
@click.argument("source", metavar="SOURCE", type=click.Path(path_type=Path))
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@SOURCE_FORMAT
@BASE_IMAGE
@click.option("--overwrite", is_flag=True, help="Replace the definition that is in DIR.")
@click.option(
    "--docker-context",
    is_flag=True,
    help="Write what builds the image of SOURCE and its lock instead: a Dockerfile and layers.",
)
@click.option(
    "--no-build",
    is_flag=True,
    help="With --docker-context: refuse source code, which is run to build it.",
)
def command(  # noqa: PLR0913  # one for each option
    source: Path,
    directory: Path,
    source_format: SourceFormat | None,
    image: str | None,
    *,
    overwrite: bool,
    docker_context: bool,
    no_build: bool,
) -> None:
    """Write the definition SOURCE to DIR, in the files of the Azure ML SDK v1.

    SOURCE is a v1 directory, a v2 or conda environment file, the folder of an MLflow model, a
    conda prefix or a lockfile, whose packages are then asked for exactly. DIR must not be there
    yet, or --overwrite be given; either all files are written or none.
    """
    if docker_context:
        options = {"base": image, "no_build": no_build}
        warnings = _write_docker_context(source, directory, options, overwrite=overwrite)
    else:
        warnings = save_to_directory(
            source, directory, overwrite=overwrite, source_format=source_format, image=image
        )
    show_warnings(warnings)
    click.echo(f"Saved `{directory}`")


def _write_docker_context(
    source: Path, directory: Path, chosen: dict[str, Any], *, overwrite: bool
) -> tuple[Finding, ...]:
    from envsync.workflow.image.assembly import ImageOptions  # noqa: PLC0415
    from envsync.workflow.image.docker_context import write_docker_context  # noqa: PLC0415  # only here

    with report_progress() as reporter:
        return write_docker_context(
            source,
            directory,
            options=ImageOptions(**chosen),
            overwrite=overwrite,
            reporter=reporter,
        )
