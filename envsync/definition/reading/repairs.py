"""Hints that a program can follow: each says what to do, and carries the edit that does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.model.text.redaction import quote
from envsync.model.text.wording import find_near
from envsync.remedy import Remedy, Repair

if TYPE_CHECKING:
    from collections.abc import Iterable

QUOTE = Remedy(("put it in quotes",), Repair("quote"))
REMOVE_ITEM = Remedy(("remove it",), Repair("remove item"))


def unquote(word: str) -> Remedy:
    """Advise to write *word*, `True` say, as YAML and JSON spell it."""
    return Remedy((f"write `{word.lower()}` without quotes",), Repair("unquote"))


def suggest_key(key: str, known: Iterable[str]) -> Remedy | None:
    """Advise the one of the *known* keys that *key* is a misspelling of, if one is near."""
    near = find_near(key, known)
    if near is None:
        return None
    return Remedy((f"did you mean `{near}`?",), Repair("rename key", near))


def suggest_text(text: str, *, is_safe: bool) -> Remedy:
    """Advise *text*, which can't be read in another way than what is there if *is_safe*."""
    repair = Repair("set text", text) if is_safe else None
    return Remedy((f"did you mean {quote(text)}?",), repair)
