"""`envsync score`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from envsync.cli._group import render, warn
from envsync.cli._target_options import target_options
from envsync.errors import EnvsyncError
from envsync.workflow import score as workflow
from envsync.workflow.scoring_target import ScoringChoice, find_target

if TYPE_CHECKING:
    from pathlib import Path


@click.command("score")
@target_options
@click.option(
    "--data",
    "sources",
    metavar="FILE",
    multiple=True,
    required=True,
    help="A request; `-` is stdin. May be repeated.",
)
@click.option("--raw", is_flag=True, help="Print the body that the server would answer.")
def command(*, sources: tuple[str, ...], raw: bool, **choice: Path | str | None) -> None:
    """Run each request through the entry script of the definition in DIR.

    `init()` is called once, then `run()` for each request, in the environment that
    `envsync build-local` made. A line of JSON for each request goes to stdout.
    """
    target = find_target(ScoringChoice(**choice))  # type: ignore[arg-type]  # click fills it by name
    requests = [workflow.read_request(source) for source in sources]
    failed = 0
    for answer in workflow.score(target, requests, environ=os.environ):
        for warning in answer.warnings:
            warn(f"`{answer.source}`: {warning}")
        error = workflow.error_of(answer, target.entry_script.name)
        if raw:
            click.echo(answer.body)
        elif error is None or len(requests) > 1:
            click.echo(workflow.result_line(answer))
        if error is not None and len(requests) == 1:
            raise error
        if error is not None:
            render(error)
            failed += 1
    if failed:
        raise EnvsyncError(f"{failed} of {len(requests)} requests failed")
