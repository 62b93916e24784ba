"""`envsync save-to-directory`."""

from __future__ import annotations

from pathlib import Path

import click

from envsync.cli._findings import show_warnings
from envsync.workflow.save_to_directory import save_to_directory


@click.command(name="save-to-directory")
@click.argument("source", metavar="SOURCE", type=click.Path(path_type=Path))
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace the definition that is in DIR.")
def command(source: Path, directory: Path, *, overwrite: bool) -> None:
    """Write the definition SOURCE to DIR, in the files of the Azure ML SDK v1.

    DIR must not be there yet, or --overwrite be given; either all files are written or none.
    """
    show_warnings(save_to_directory(source, directory, overwrite=overwrite))
    click.echo(f"Saved `{directory}`")
