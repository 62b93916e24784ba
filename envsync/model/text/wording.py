"""Counts and guesses, in the words of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def count(number: int, noun: str) -> str:
    """Return *number* of what *noun* names, which takes an `s` where there are more."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def find_near(word: str, known: Iterable[str], *, likeness: float = 0.7) -> str | None:
    """Return the one of *known* that *word* may be a slip of, if one is so much like it.

    Case, `-`, `_` and `.` make no difference.
    """
    from difflib import get_close_matches  # noqa: PLC0415  # only a mistake needs it

    plain = {_squeeze(candidate): candidate for candidate in known}
    near = get_close_matches(_squeeze(word), plain, n=1, cutoff=likeness)
    return plain[near[0]] if near else None


def suggest(word: str, known: Iterable[str]) -> str | None:
    """Return a hint that names the one of *known* nearest to *word*, if one is near."""
    near = find_near(word, known)
    return f"did you mean `{near}`?" if near else None


def shell_quote(word: object) -> str:
    """Return *word*, mostly a path, as a shell takes it for one word."""
    from shlex import quote  # noqa: PLC0415  # only a hint needs it

    return quote(str(word))


def _squeeze(word: str) -> str:
    return word.replace("_", "").replace("-", "").replace(".", "").lower()
