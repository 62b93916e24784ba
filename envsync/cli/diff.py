"""`envsync diff`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from envsync.cli.terminal.changes import describe_change
from envsync.workflow.image.diff import diff

if TYPE_CHECKING:
    from envsync.lock.diff import Change
    from envsync.model.lockfile import LockedPackage
    from envsync.workflow.image.diff import Difference


@click.command(name="diff")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How to print it; markdown suits a pull request.",
)
@click.option("--exit-code", is_flag=True, help="End with status 1 if anything differs.")
def command(before: str, after: str, form: str, *, exit_code: bool) -> int:
    """Say what changed from A to B: definitions, lockfiles, prefixes or images.

    Each is a path, a file in git, as in HEAD:specs/churn/conda-lock.yml, or an image by name, as
    in docker:churn:latest. A folder with a lockfile stands for that.
    """
    difference = diff(before, after)
    click.echo(_FORMATS[form](difference), nl=False)
    return int(exit_code and not difference.is_empty)


def _as_text(difference: Difference) -> str:
    lines = [*difference.asked, *map(describe_change, difference.changes)]
    return "".join(f"{line}\n" for line in lines) or "Nothing differs\n"


def _as_json(difference: Difference) -> str:
    content = {
        "asked": difference.asked,
        "changes": [asdict(change) for change in difference.changes],
    }
    return json.dumps(content, indent=2) + "\n"


def _as_markdown(difference: Difference) -> str:
    if difference.is_empty:
        return "Nothing differs.\n"
    lines = []
    if difference.asked:
        lines += ["```diff", *difference.asked, "```", ""]
    if difference.changes:
        lines += [
            "| subdir | package | change | before | after |",
            "| --- | --- | --- | --- | --- |",
        ]
        lines += [_row(change) for change in difference.changes]
    return "".join(f"{line}\n" for line in lines)


def _row(change: Change) -> str:
    cells = (change.subdir, f"`{change.name}`", change.kind)
    return f"| {' | '.join(cells)} | {_cell(change.before)} | {_cell(change.after)} |"


def _cell(package: LockedPackage | None) -> str:
    if package is None:
        return ""
    return f"{package.version} {package.build}".strip() + (
        " (pip)" if package.manager == "pip" else ""
    )


_FORMATS = {"text": _as_text, "json": _as_json, "markdown": _as_markdown}
