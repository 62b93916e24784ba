"""`envsync tree`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envsync.cli.options.environment import DEFINITION
from envsync.workflow.lock.explain import list_tree

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="tree")
@DEFINITION
@click.option("--subdir", metavar="SUBDIR", help="By default the first that is locked.")
def command(directory: Path, subdir: str | None) -> None:
    """Show the packages in the lock of DIR below those that its definition asks for."""
    for depth, package, is_repeat in list_tree(directory, subdir):
        pip = " (pip)" if package.manager == "pip" else ""
        more = " …" if is_repeat else ""
        click.echo(f"{'  ' * depth}{package}{pip}{more}")
