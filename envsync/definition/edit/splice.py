"""One change of a text: what stands between two offsets is written anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Splice(NamedTuple):
    """Put *written* in the place of `text[start:end]`."""

    start: int
    end: int
    written: str


def apply_splices(text: str, splices: Iterable[Splice]) -> str:
    """Return *text* with *splices*, whose offsets are all of *text* as it is.

    Raises:
        ValueError: two of them overlap.
    """
    parts, position = [], 0
    for splice in sorted(splices):
        if splice.start < position:
            raise ValueError("two changes of one place")
        parts += [text[position : splice.start], splice.written]
        position = splice.end
    return "".join([*parts, text[position:]])
