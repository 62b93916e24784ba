"""The command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `envsync` with *arguments* (those of the process if None) and exit."""
    from envsync.cli._group import group, run  # noqa: PLC0415  # importing the room is free

    run(group, arguments)
