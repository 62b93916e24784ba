"""`envsync run`."""

from __future__ import annotations

from pathlib import Path

import click

from envsync.cli.options.environment import ENVIRONMENT_NAME, ENVIRONMENT_PREFIX, check_one_place
from envsync.cli.terminal.group import warn
from envsync.workflow.environment.run import find_run_target, run


@click.command(name="run", context_settings={"allow_interspersed_args": False})
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("words", metavar="COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
@ENVIRONMENT_NAME
@ENVIRONMENT_PREFIX
def command(directory: Path, words: tuple[str, ...], name: str | None, prefix: Path | None) -> int:
    """Run COMMAND in the environment of the definition in DIR; its status is passed on.

    An environment that is not what its lock says is used with a warning.
    """
    check_one_place(name, prefix)
    if words[0] == "--":  # as those write it whose tools need it
        words = words[1:]
    if not words:
        message = "`--` has no command after it"
        raise click.UsageError(message)
    target = find_run_target(directory, prefix=prefix, name=name)
    problem = target.proof.problem
    if problem is not None:
        warn(problem.message, problem.hint)
    return run(target, words)
