"""`envsync add`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envsync.cli.terminal.edits import EDITED_DIRECTORY, EDITED_PIP, show_edits
from envsync.workflow.definition.edit import add

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="add")
@click.argument("specs", metavar="SPEC...", nargs=-1, required=True)
@EDITED_DIRECTORY
@EDITED_PIP
def command(specs: tuple[str, ...], directory: Path, *, pip: bool) -> None:
    """Ask for packages in a definition's conda file: `numpy`, `"numpy>=2,<3"`, `pytorch::pytorch`.

    A package that is there gets the new SPEC in its place, unless SPEC is its name alone. With
    --pip a pip section, and the `pip` that it needs, are made where there are none. Comments,
    order, quotes, indentation and line ends stay.
    """
    show_edits(add(directory, specs, is_pip=pip))
