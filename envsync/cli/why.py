"""`envsync why`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envsync.cli.options.environment import DEFINITION
from envsync.workflow.lock.explain import explain

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="why")
@click.argument("name", metavar="NAME")
@DEFINITION
def command(name: str, directory: Path) -> None:
    """Show the chain from the definition in DIR to the package NAME in its lock."""
    for chain in explain(directory, name):
        links = [str(package) for package in chain.packages]
        asked = f"`{chain.asked}` → " if chain.asked else ""
        click.echo(f"{chain.subdir}: {asked}{' → '.join(links)}")
