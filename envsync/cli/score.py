"""`envsync score`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from envsync.cli._group import render, warn
from envsync.errors import EnvsyncError
from envsync.workflow import score as workflow


@click.command("score")
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--data",
    "sources",
    metavar="FILE",
    multiple=True,
    required=True,
    help="A request; `-` is stdin. May be repeated.",
)
@click.option("--raw", is_flag=True, help="Print the body that the server would answer.")
@click.option(
    "--entry-script",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Default: AZUREML_ENTRY_SCRIPT of the definition, else score.py.",
)
@click.option(
    "--model-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Becomes AZUREML_MODEL_DIR. Default: `model` in DIR, if it is there.",
)
@click.option("--python", type=click.Path(path_type=Path), help="Use this interpreter.")
@click.option("-p", "--prefix", type=click.Path(path_type=Path), help="Use this environment.")
@click.option("-n", "--name", help="Use this environment of envsync's.")
def command(*, sources: tuple[str, ...], raw: bool, **choice: Path | str | None) -> None:
    """Run each request through the entry script of the definition in DIR.

    `init()` is called once, then `run()` for each request, in the environment that
    `envsync build-local` made. A line of JSON for each request goes to stdout.
    """
    target = workflow.find_target(workflow.ScoringChoice(**choice))  # type: ignore[arg-type]  # click fills it by name
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
