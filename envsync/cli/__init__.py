"""The command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run `envsync` with *arguments* and exit; None takes those of the process, and ends it."""
    if arguments is None:
        from envsync.cli._interrupt import install  # noqa: PLC0415  # importing a room is free

        install()
    from envsync.cli._group import group, leave, run  # noqa: PLC0415

    try:
        run(group, arguments)
    except SystemExit as end:
        if arguments is None:
            leave(end)
        raise
