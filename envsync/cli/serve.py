"""`envsync serve`."""

from __future__ import annotations

import os

import click

from envsync.cli.options.serving import (
    ALLOWED_HOST,
    serve_beyond,
    service_options,
    take_service_arguments,
)
from envsync.cli.options.target import DEBUG_PORT, target_options
from envsync.cli.terminal.findings import accept, show_warnings
from envsync.workflow.scoring.serve import ServeOptions, serve
from envsync.workflow.scoring.target import (
    ScoringChoice,
    find_target,
    find_warnings,
    prove_target,
)


@click.command("serve")
@target_options
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=6789,
    show_default=True,
    help="The port to listen on; 0 takes one that is free.",
)
@click.option(
    "--host",
    metavar="ADDRESS",
    default="localhost",
    show_default=True,
    help="The address to listen on.",
)
@ALLOWED_HOST
@click.option(
    "--workers",
    type=click.IntRange(1, 512),
    metavar="N",
    help="Processes that run the script. Default: WORKER_COUNT, else 1.",
)
@click.option("--reload", is_flag=True, help="Load the script again when its source changes.")
@click.option(
    "--max-body",
    type=click.IntRange(1, 4095),
    default=128,
    show_default=True,
    metavar="MIB",
    help="Refuse larger requests.",
)
@click.option(
    "--grace",
    type=click.IntRange(0, 86400),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="How long requests may take to end when the server is told to stop.",
)
@click.option(
    "--access-log/--no-access-log", default=True, help="Write a line per answer to stdout."
)
@click.option("--show-errors", is_flag=True, help="Answer failures with the script's traceback.")
@DEBUG_PORT
@service_options
@click.pass_context
def command(context: click.Context, /, **_: object) -> int:
    """Serve the entry script of the definition in DIR at http://localhost:6789/score.

    It runs in the environment that `envsync build-local` made, as it would in Azure ML, or with
    --docker in a container of the definition's image, which is built if need be.
    """
    given = dict(context.params)
    options = ServeOptions(**{name: given.pop(name) for name in ServeOptions.__slots__})
    asked = take_service_arguments(context, given, options)
    choice = ScoringChoice(**given)
    if asked.is_plain:
        target = find_target(choice)
        show_warnings(find_warnings(target))
        digest = accept(prove_target(choice, target), is_checked=choice.is_checked)
        serve(target, options, environ=os.environ, lock_digest=digest)
    return serve_beyond(choice, options, asked)
