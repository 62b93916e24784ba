"""`envsync check`."""

from __future__ import annotations

from pathlib import Path

import click

from envsync.cli._findings import show_warnings
from envsync.cli._group import render
from envsync.errors import EnvsyncError, StaleLockError
from envsync.workflow.check import check


@click.command(name="check")
@click.argument("paths", metavar="[DIR]...", nargs=-1, type=click.Path(path_type=Path))
def command(paths: tuple[Path, ...]) -> int:
    """Say whether the lock in each DIR answers the definition there; offline.

    A file of a definition stands for its folder. The status is 0 where every lock is fresh, and
    1 where one is stale or missing.
    """
    folders = dict.fromkeys(
        path if path.is_dir() or not path.exists() else path.parent for path in paths or (Path(),)
    )
    return max([_check(folder) for folder in folders])


def _check(folder: Path) -> int:
    try:
        outcome = check(folder)
    except EnvsyncError as error:
        render(error)
        return error.exit_status
    show_warnings(outcome.warnings)
    if not outcome.staleness:
        click.echo(f"`{outcome.path}` is fresh")
        return 0
    for number, staleness in enumerate(outcome.staleness, start=1):
        subdir = f" for `{staleness.subdir}`" if staleness.subdir else ""
        last = number == len(outcome.staleness)
        render(
            StaleLockError(
                f"`{outcome.path}` is stale{subdir}: {staleness.text}",
                hint=f"run `envsync lock {folder}`" if last else None,
            )
        )
    return 1
