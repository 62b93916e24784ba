"""What was wrong on the command line, said as envsync says everything else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from envsync.model.text.wording import suggest

if TYPE_CHECKING:
    from collections.abc import Iterable

_QUOTED = re.compile(r"(?<!\w)'([^']*)'(?!\w)")  # as click quotes; not the apostrophe of "can't"
_CHOSEN = re.compile(r"`([^`]*)` is not one of ")

_PLAINER = (
    (r"is not a valid integer( range)?", "is not a whole number"),
    (r"is not a valid float( range)?", "is not a number"),
    (r"is not in the range (\d+)<=x<=(\d+)", r"is not between \1 and \2"),
    (r"is not in the range x>=(\d+)", r"is less than \1"),
)

# What other tools call it, for those who come from there.
_ELSEWHERE = {
    "activate": "run",
    "audit": "verify",
    "build": "build-local",
    "compile": "lock",
    "create": "build-local",
    "deploy": "serve",
    "exec": "run",
    "freeze": "lock",
    "get": "download",
    "graph": "tree",
    "import": "save-to-directory",
    "init": "save-to-directory",
    "inspect": "show",
    "install": "build-local",
    "invoke": "score",
    "lint": "validate",
    "list": "tree",
    "logs": "service logs",
    "ls": "list",
    "new": "save-to-directory",
    "pin": "lock",
    "predict": "score",
    "ps": "service list",
    "restart": "reload",
    "rm": "delete",
    "save": "save-to-directory",
    "shell": "run",
    "start": "serve",
    "status": "check",
    "stop": "delete",
    "sync": "build-local",
    "test": "score",
    "uninstall": "remove",
    "update": "lock",
    "upgrade": "lock",
}


class Group(click.Group):
    """Commands, of which the nearest is named to those who ask for one that is not there."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that *args* begin with: its name, itself and the rest."""
        known = self.list_commands(ctx)
        name = args[0]
        if name in known or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        raise UnknownCommandError(name, known, ctx)


class UnknownCommandError(click.UsageError):
    """There is no command of that name."""

    def __init__(self, name: str, known: Iterable[str], context: click.Context) -> None:
        super().__init__(f"No such command '{name}'", context)
        meant = _ELSEWHERE.get(name.lower())
        self.hint = (
            f"did you mean `{meant}`?"
            if meant is not None and meant.split()[0] in known
            else suggest(name, known)
        )


def is_plain(error: click.ClickException) -> bool:
    """Say whether *error* is a message; else it is a page of help, in click's own form."""
    return type(error).__name__ != "NoArgsIsHelpError"  # click 8.1 has none


def explain_usage(error: click.ClickException) -> tuple[str, str | None]:
    """Return what *error* says and what to do about it, as of an `EnvsyncError`."""
    if isinstance(error, click.NoSuchOption):
        options = _list_options(error.ctx)
        return f"No such option `{error.option_name}`", (
            suggest(error.option_name, options) or _point_to_help(error.ctx)
        )
    message = _QUOTED.sub(r"`\1`", error.format_message())
    for click_says, plainer in _PLAINER:
        message = re.sub(click_says, plainer, message)
    message = " ".join(message.split()).removesuffix(".")
    if not isinstance(error, click.UsageError):
        return message, None
    near = error.hint if isinstance(error, UnknownCommandError) else _find_choice(error, message)
    return message, near or _point_to_help(error.ctx)


def _find_choice(error: click.UsageError, message: str) -> str | None:
    kind = getattr(getattr(error, "param", None), "type", None)
    given = _CHOSEN.search(message)
    return suggest(given[1], kind.choices) if given and isinstance(kind, click.Choice) else None


def _list_options(context: click.Context | None) -> list[str]:
    parameters = context.command.get_params(context) if context is not None else []
    return [it for one in parameters for it in one.opts if it.startswith("--")]


def _point_to_help(context: click.Context | None) -> str | None:
    return f"see `{context.command_path} --help`" if context is not None else None
