"""`envsync check`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envsync.cli.terminal.findings import show_warnings
from envsync.cli.terminal.group import render
from envsync.errors import DefinitionError, EnvsyncError, StaleLockError
from envsync.model.text.wording import shell_quote
from envsync.workflow.lock.check import check

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from envsync.workflow.lock.check import CheckOutcome
    from envsync.workflow.lock.check_online import BaseQuestion

    _Checked: TypeAlias = tuple[CheckOutcome, BaseQuestion | None]
    _Ask: TypeAlias = Callable[[CheckOutcome], BaseQuestion | None]

_PARTS = {"azureml_environment.json", "conda_dependencies.yml", "BaseDockerfile", "conda-lock.yml"}


@click.command(name="check")
@click.argument("paths", metavar="[DIR]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--all", "below", is_flag=True, help="Check every definition below each DIR.")
@click.option("--online", is_flag=True, help="Ask registries whether a base image has moved.")
def command(paths: tuple[Path, ...], *, below: bool, online: bool) -> int:
    """Say whether the lock in each DIR answers the definition there; offline, unless --online.

    A file of a definition stands for its folder. The status is 0 where every lock is fresh, and
    1 where one is stale or missing. With --online it is also 1 where the tag of a base image no
    longer has the lock's digest, which makes no lock stale.
    """
    given = [path.parent if path.name in _PARTS else path for path in paths or (Path(),)]
    folders = _find_below(given) if below else given
    ask = _start_asking() if online else None
    checked = ((folder, _check(folder, ask)) for folder in dict.fromkeys(folders))
    # Registries are asked side by side; else each definition is let go of once it is shown.
    return max([_show(folder, found) for folder, found in (list(checked) if ask else checked)])


def _find_below(given: list[Path]) -> list[Path]:
    from envsync.workflow.definition.below import find_definitions  # noqa: PLC0415  # only here

    for path in given:
        if not path.is_dir():
            raise DefinitionError(f"`{path}` is no folder", hint="give the folder to look in")
    found = [folder for path in given for folder in find_definitions(path)]
    if not found:
        places = ", ".join(f"`{path}`" for path in given)
        raise DefinitionError(
            f"No definition below {places}",
            hint="those count that have an `azureml_environment.json` or a lock",
        )
    return found


def _start_asking() -> _Ask:
    from envsync.workflow.lock.check_online import ask_about_base, ask_registries  # noqa: PLC0415  # only here

    digests = ask_registries(os.environ)
    return lambda outcome: ask_about_base(outcome, digests)


def _check(folder: Path, ask: _Ask | None) -> _Checked | EnvsyncError:
    try:
        outcome = check(folder)
        return outcome, ask(outcome) if ask is not None else None
    except EnvsyncError as error:
        return error


def _show(folder: Path, checked: _Checked | EnvsyncError) -> int:
    """Say what was found of one definition; return the status that it deserves."""
    if isinstance(checked, EnvsyncError):
        render(checked)
        return checked.exit_status
    outcome, question = checked
    return max(_show_lock(folder, outcome), _show_base(question) if question else 0)


def _show_base(question: BaseQuestion) -> int:
    try:
        base = question.settle()
    except EnvsyncError as error:
        render(error)
        return error.exit_status
    click.echo(f"Base image `{base.name}` is still `{base.digest}`")
    return 0


def _show_lock(folder: Path, outcome: CheckOutcome) -> int:
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
                hint=f"run `envsync lock {shell_quote(folder)}`" if last else None,
            )
        )
    return 1
