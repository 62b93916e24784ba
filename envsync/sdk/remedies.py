"""Remedies as arguments and calls of this library."""

from __future__ import annotations

from envsync.model.text.wording import shell_quote
from envsync.remedy import Option, Step


def word_remedy(part: Option | Step) -> str:
    """Return *part* as Python's user writes it, in backticks; some steps are commands alone."""
    if isinstance(part, Option):
        return f"`{part.name}={part.value or '...'}`"
    words = ["envsync", part.action]
    for option in part.options:
        words += [f"--{option.name.replace('_', '-')}", *filter(None, [option.value])]
    return f"`{' '.join([*words, *map(shell_quote, part.arguments)])}`"
