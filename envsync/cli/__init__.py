"""The command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run `envsync` with *arguments* and exit; None takes those of the process, and ends it."""
    if arguments is not None:
        from envsync.cli.terminal.group import group, run  # noqa: PLC0415  # importing a room is free

        run(group, arguments)
    from envsync.cli.terminal.interrupt import INTERRUPTED, install  # noqa: PLC0415

    install()
    try:
        from envsync.cli.terminal.group import group, run  # noqa: PLC0415

        run(group)
    except KeyboardInterrupt:  # before the command could begin
        sys.stderr.write("Interrupted\n")
        sys.exit(INTERRUPTED)
    except SystemExit as end:
        from envsync.cli.terminal.group import leave  # noqa: PLC0415

        leave(end)
