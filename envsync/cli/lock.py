"""`envsync lock`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envsync.cli.terminal.changes import describe_change
from envsync.cli.terminal.findings import show_warnings
from envsync.cli.terminal.group import render
from envsync.cli.terminal.progress import report_progress
from envsync.errors import EnvsyncError
from envsync.model.progress import NamedReporter
from envsync.model.text.wording import count
from envsync.workflow.lock.many import lock_all
from envsync.workflow.lock.options import LockOptions

if TYPE_CHECKING:
    from envsync.model.progress import Reporter
    from envsync.workflow.lock.options import LockOutcome


@click.command(name="lock")
@click.argument("directories", metavar="[DIR]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--subdir",
    "subdirs",
    multiple=True,
    metavar="SUBDIR",
    help="Lock for this conda subdir, such as linux-64 or osx-arm64; repeatable. By default: "
    "the definition's Docker platform, this machine's, and those locked already.",
)
@click.option(
    "--update",
    multiple=True,
    metavar="NAME",
    help="Move this package to its newest version, and only what that needs; or the base image "
    "to what its tag is now. Repeatable.",
)
@click.option("--upgrade", is_flag=True, help="Solve afresh: the newest of everything.")
@click.option(
    "--exclude-newer",
    "cut_off",
    metavar="DATE",
    help="Lock as the world was at the end of that day. Later locks keep it; `none` drops it.",
)
@click.option(
    "--system-requirements",
    multiple=True,
    metavar="NAME=VERSION",
    help="Assume this of the machines, as in glibc=2.17 or cuda=12.2; repeatable.",
)
@click.option(
    "--max-changes",
    type=click.IntRange(min=0),
    metavar="N",
    help="Refuse a lock in which more packages change.",
)
@click.option("--offline", is_flag=True, help="Ask caches and files only, and no network.")
@click.option("--no-build", is_flag=True, help="Refuse source code, which is run to build it.")
@click.option(
    "--allow-unreproducible",
    is_flag=True,
    help="Warn of pip requirements that can't be locked for good, such as folders and branches, "
    "and leave them out.",
)
def command(directories: tuple[Path, ...], **choice: tuple[str, ...] | str | int | bool) -> int:
    """Pin the definition in each DIR: solve it and write conda-lock.yml beside it.

    A lock that is fresh is left as it is; else what still fits is kept.
    """
    options = LockOptions(**choice)  # type: ignore[arg-type]  # click names and types them so
    chosen = directories or (Path(),)
    of_several = chosen if len(chosen) > 1 else (None,)
    with report_progress() as reporter:
        outcomes = lock_all(chosen, options=options, reporter=reporter, environ=os.environ)
        return max(
            [_show(outcome, reporter, of) for outcome, of in zip(outcomes, of_several, strict=True)]
        )


def _show(outcome: LockOutcome | EnvsyncError, reporter: Reporter, of: Path | None) -> int:
    """Say what came of one definition, *of* several; return the status that it deserves."""
    if isinstance(outcome, EnvsyncError):
        render(outcome, of=of)
        return outcome.exit_status
    _show_lock(outcome, reporter, of)
    for failure in outcome.failures:
        render(failure, of=of)
    return max([failure.exit_status for failure in outcome.failures], default=0)


def _show_lock(outcome: LockOutcome, reporter: Reporter, of: Path | None) -> None:
    show_warnings(outcome.warnings)
    named = reporter if of is None else NamedReporter(str(of), reporter)
    for change in outcome.changes:
        named.note(describe_change(change))
    for note in outcome.notes:
        named.note(note)
    if not outcome.was_written:
        reporter.note(f"`{outcome.path}` is unchanged")
        return
    for subdir in outcome.lockfile.subdirs:
        packages = outcome.lockfile.packages_for(subdir)
        pip = sum(package.manager == "pip" for package in packages)
        conda = count(len(packages) - pip, "conda package")
        named.note(f"{subdir}: {conda}, {count(pip, 'pip package')}")
    reporter.note(f"Wrote `{outcome.path}`")
