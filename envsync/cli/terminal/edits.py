"""What `add` and `remove` have in common: their options, and how they say what they did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from envsync.cli.terminal.findings import show_warnings
from envsync.cli.terminal.group import warn
from envsync.lock.reader import LOCKFILE_NAME
from envsync.model.text.redaction import quote
from envsync.model.text.wording import shell_quote

if TYPE_CHECKING:
    from envsync.definition.edit.conda import Change
    from envsync.workflow.definition.edit import EditOutcome

EDITED_DIRECTORY = click.option(
    "--dir",
    "directory",
    metavar="DIR",
    default=".",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder of the definition, or its conda file.",
)
EDITED_PIP = click.option("--pip", is_flag=True, help="Work on the pip section.")


def show_edits(outcome: EditOutcome) -> None:
    """Print what was done to stderr, and what is to be done next."""
    for change in outcome.changes:
        click.echo(_describe(change, outcome.path), err=True)
    show_warnings(outcome.warnings)
    if not outcome.changed:
        click.echo(f"`{outcome.path}` is unchanged", err=True)
        return
    folder = outcome.path.parent
    if outcome.has_lock:
        warn(
            f"`{folder / LOCKFILE_NAME}` is stale now", f"run `envsync lock {shell_quote(folder)}`"
        )
    else:
        click.echo(f"Lock it with `envsync lock {shell_quote(folder)}`", err=True)


def _describe(change: Change, path: Path) -> str:
    before, after = (quote(text or "") for text in (change.before, change.after))
    if change.action == "added":
        return f"Added {after} to `{path}`"
    if change.action == "removed":
        return f"Removed {before} from `{path}`"
    if change.action == "replaced":
        return f"Replaced {before} by {after} in `{path}`"
    return f"Kept {before}, which answers {after}"
