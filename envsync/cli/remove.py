"""`envsync remove`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envsync.cli.terminal.edits import EDITED_DIRECTORY, EDITED_PIP, show_edits
from envsync.workflow.definition.edit import remove

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="remove")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@EDITED_DIRECTORY
@EDITED_PIP
def command(names: tuple[str, ...], directory: Path, *, pip: bool) -> None:
    """No longer ask for packages in a definition's conda file.

    Nothing is changed unless every NAME is there. A pip section of which nothing is left goes
    too; the `pip` before it stays.
    """
    show_edits(remove(directory, names, is_pip=pip))
