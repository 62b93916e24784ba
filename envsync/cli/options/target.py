"""Options that say what is scored or served, and where."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

Command = TypeVar("Command", bound="Callable[..., Any]")

DEBUG_PORT = click.option(
    "--debug-port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="Wait for a debugger there before loading the script.",
)
_OPTIONS = (
    click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path)),
    click.option(
        "--entry-script",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Default: AZUREML_ENTRY_SCRIPT of the definition, else score.py.",
    ),
    click.option(
        "--model-dir",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Becomes AZUREML_MODEL_DIR. Default: `model` in DIR, if it is there.",
    ),
    click.option(
        "--model",
        "models",
        multiple=True,
        metavar="MODEL",
        help="A registered model, NAME[:VERSION], or a path. May be repeated.",
    ),
    click.option(
        "--python",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Use this interpreter, without a definition if need be.",
    ),
    click.option(
        "-p",
        "--prefix",
        type=click.Path(path_type=Path),
        metavar="PREFIX",
        help="Use the environment at this prefix.",
    ),
    click.option(
        "-n",
        "--name",
        metavar="NAME",
        help="Use the environment that envsync made under this name.",
    ),
    click.option(
        "--no-check",
        "is_checked",
        flag_value=False,
        default=True,
        help="Use the environment even if it is not what its lock says.",
    ),
)


def target_options(command: Command) -> Command:
    """Give *command* the options that a `ScoringChoice` is made of, under its names."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
