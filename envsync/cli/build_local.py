"""`envsync build-local`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envsync.cli._findings import show_warnings
from envsync.cli._options import (
    DEFINITION,
    ENVIRONMENT_NAME,
    ENVIRONMENT_PREFIX,
    check_one_place,
)
from envsync.cli._progress import report_progress
from envsync.workflow.build_local import build_local

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="build-local")
@DEFINITION
@ENVIRONMENT_NAME
@ENVIRONMENT_PREFIX
@click.option("--frozen", is_flag=True, help="Take the lock as it is, even if it is stale.")
def command(directory: Path, name: str | None, prefix: Path | None, *, frozen: bool) -> None:
    """Make the conda environment that the lock in DIR describes, or update it."""
    check_one_place(name, prefix)
    with report_progress() as reporter:
        outcome = build_local(directory, reporter=reporter, prefix=prefix, name=name, frozen=frozen)
    show_warnings(outcome.warnings)
    if outcome.changed:
        click.echo(f"Made `{outcome.prefix}` with {outcome.package_count} packages", err=True)
        click.echo(f"Activate it with `conda activate {outcome.prefix}`", err=True)
    else:
        click.echo(f"`{outcome.prefix}` is up to date", err=True)
