"""`envsync check`."""

from __future__ import annotations

from pathlib import Path

import click

from envsync.cli._findings import show_warnings
from envsync.cli._group import render
from envsync.errors import EnvsyncError, StaleLockError
from envsync.workflow.check import check, find_definitions

_PARTS = {"azureml_environment.json", "conda_dependencies.yml", "BaseDockerfile", "conda-lock.yml"}


@click.command(name="check")
@click.argument("paths", metavar="[DIR]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--all", "below", is_flag=True, help="Check every definition below each DIR.")
def command(paths: tuple[Path, ...], *, below: bool) -> int:
    """Say whether the lock in each DIR answers the definition there; offline.

    A file of a definition stands for its folder. The status is 0 where every lock is fresh, and
    1 where one is stale or missing.
    """
    given = [path.parent if path.name in _PARTS else path for path in paths or (Path(),)]
    folders = [folder for path in given for folder in find_definitions(path)] if below else given
    if not folders:
        message = "there is no definition below what was given"
        raise click.UsageError(message)
    return max([_check(folder) for folder in dict.fromkeys(folders)])


def _check(folder: Path) -> int:
    try:
        outcome = check(folder)
    except EnvsyncError as error:
        render(error)
        return error.exit_status
    show_warnings(outcome.warnings)
    for sentence in outcome.inconsistencies:
        render(EnvsyncError(f"`{outcome.path}` is inconsistent: {sentence}"))
    if not outcome.staleness and not outcome.inconsistencies:
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
