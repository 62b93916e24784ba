"""Counts, suggestions and quoted paths for messages."""

from __future__ import annotations

import shlex
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def count(number: int, noun: str) -> str:
    """Return *number* and *noun*, with an `s` unless there is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def find_near(word: str, known: Iterable[str], *, likeness: float = 0.7) -> str | None:
    """Return the word of *known* that *word* may be a typo of, None if none is similar enough.

    Case, `-`, `_` and `.` are ignored.
    """
    plain = {_squeeze(candidate): candidate for candidate in known}
    near = get_close_matches(_squeeze(word), plain, n=1, cutoff=likeness)
    return plain[near[0]] if near else None


def suggest(word: str, known: Iterable[str]) -> str | None:
    """Return a hint with the word of *known* most similar to *word*, None if there is none."""
    near = find_near(word, known)
    return f"did you mean `{near}`?" if near else None


def shell_quote(word: object) -> str:
    """Return *word*, often a path, quoted for a shell."""
    return shlex.quote(str(word))


def _squeeze(word: str) -> str:
    return word.replace("_", "").replace("-", "").replace(".", "").lower()
