"""Arguments and options that more than one command takes."""

from __future__ import annotations

from pathlib import Path

import click

DEFINITION = click.argument(
    "directory",
    metavar="[DIR]",
    default=".",
    type=click.Path(path_type=Path),
)
ENVIRONMENT_NAME = click.option(
    "-n",
    "--name",
    metavar="NAME",
    help="Name of the environment; by default the definition's name.",
)
ENVIRONMENT_PREFIX = click.option(
    "-p",
    "--prefix",
    metavar="PREFIX",
    type=click.Path(path_type=Path),
    help="Path of the environment.",
)


def check_one_place(name: str | None, prefix: Path | None) -> None:
    """Refuse a name and a path at once."""
    if name is not None and prefix is not None:
        message = "`--name` and `--prefix` exclude each other"
        raise click.UsageError(message)
