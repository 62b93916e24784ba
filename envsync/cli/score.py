"""`envsync score`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from envsync.cli.options.target import DEBUG_PORT, target_options
from envsync.cli.terminal.findings import accept, show_warnings
from envsync.cli.terminal.group import render, warn
from envsync.errors import EnvsyncError
from envsync.model.text.wording import count
from envsync.workflow.scoring import score as workflow
from envsync.workflow.scoring.target import (
    ScoringChoice,
    find_target,
    find_warnings,
    prove_target,
)


@click.command("score")
@target_options
@click.option(
    "--data",
    "names",
    metavar="FILE",
    multiple=True,
    required=True,
    help="A request, a folder of them, or `-` for stdin. May be repeated.",
)
@click.option("--lines", is_flag=True, help="Take each line of a file as a request.")
@click.option("--raw", is_flag=True, help="Print the body that the server would answer.")
@click.option("--json", "whole", is_flag=True, help="Print time, status and the lock's digest too.")
@click.option(
    "--expect",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Compare the results with those in FILE.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0),
    metavar="NUMBER",
    default=1e-6,
    show_default=True,
    help="How far numbers may differ.",
)
@click.option(
    "--record",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the results to FILE, to be expected later.",
)
@click.option(
    "--max-memory", metavar="MIB", type=click.IntRange(1), help="Limit the script's data."
)
@click.option("--max-cpu", metavar="SECONDS", type=click.IntRange(1), help="Limit its computing.")
@click.option("--profile", is_flag=True, help="Say where import, init and run spent their time.")
@click.option("--debug", is_flag=True, help="Open the debugger where the script fails.")
@DEBUG_PORT
@click.pass_context
def command(context: click.Context, /, **_: object) -> None:
    """Run each request through the entry script of the definition in DIR.

    `init()` is called once, then `run()` for each request, in the environment that
    `envsync build-local` made. A line of JSON for each request goes to stdout.
    """
    given = dict(context.params)
    options = workflow.ScoreOptions(
        **{name: given.pop(name) for name in workflow.ScoreOptions.__slots__}
    )
    output = _Output(raw=given.pop("raw"), whole=given.pop("whole"))
    sources = workflow.find_requests(given.pop("names"), lines=given.pop("lines"))
    expect, tolerance, record = (given.pop(name) for name in ("expect", "tolerance", "record"))
    expected = workflow.load_expected(expect) if expect is not None else None
    choice = ScoringChoice(**given)
    target = find_target(choice)
    show_warnings(find_warnings(target))
    output.lock_digest = accept(prove_target(choice, target), is_checked=choice.is_checked)
    output.is_single = len(sources) == 1 and not sources[0].has_lines
    scored = []
    for one in workflow.score(target, sources, options, environ=os.environ):
        output.show(one)
        scored.append(one)
    failed = sum(one.error is not None for one in scored)
    if failed:
        raise EnvsyncError(f"{failed} of {count(len(scored), 'request')} failed")
    if expected is not None:
        _show_differences(workflow.compare(expected, scored, tolerance=tolerance), expect)
    if record is not None:
        workflow.write_expected(record, scored)


class _Output:
    """Prints answers as they come; the error of a single one is the command's own."""

    def __init__(self, *, raw: bool, whole: bool) -> None:
        self._raw = raw
        self._whole = whole
        self.lock_digest: str | None = None
        self.is_single = False

    def show(self, scored: workflow.Scored) -> None:
        for warning in scored.answer.warnings:
            warn(f"`{scored.answer.source}`: {warning}")
        if self._raw:
            click.echo(scored.answer.body)
        elif self._whole:
            click.echo(scored.record(self.lock_digest))
        elif scored.error is None or not self.is_single:
            click.echo(scored.line)
        if scored.error is None:
            return
        if self.is_single:
            raise scored.error
        render(scored.error)


def _show_differences(differences: tuple[str, ...], expect: Path) -> None:
    if not differences:
        return
    for difference in differences:
        click.echo(difference, err=True)
    raise EnvsyncError(
        f"The results differ from `{expect}` in {count(len(differences), 'place')}",
        hint=f"if they should, write them anew with `--record {expect}`",
    )
