"""Items of a flow sequence, `[a, b]`, which is also what JSON has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from envsync.definition.edit.scalar import common_quote, render
from envsync.definition.edit.splice import Splice

if TYPE_CHECKING:
    from envsync.yamlio.editor import Span

_COMMA = re.compile(r"\s*,\s*")


def insert_flow_item(text: str, sequence: Span, index: int, item: Any) -> Splice:
    """Put *item* in as number *index* of *sequence*, spaced as its neighbours are."""
    items = sequence.items
    written = _write(item, _quote_of(sequence))
    if not items:
        return Splice(sequence.start + 1, sequence.start + 1, written)
    if index < len(items):
        start = items[index].start
        return Splice(start, start, written + _gap(text, sequence, index))
    end = items[-1].end
    return Splice(end, end, _gap(text, sequence, index) + written)


def remove_flow_item(sequence: Span, index: int) -> Splice:
    """Take item *index* out of *sequence*, with one comma beside it."""
    items = sequence.items
    if len(items) == 1:
        return Splice(sequence.start + 1, sequence.end - 1, "")
    if index + 1 < len(items):
        return Splice(items[index].start, items[index + 1].start, "")
    return Splice(items[index - 1].end, items[index].end, "")


def _gap(text: str, sequence: Span, index: int) -> str:
    """Return the comma and the space that part the items around *index*."""
    items = sequence.items
    right = min(max(index, 1), len(items) - 1)
    if right > 0:
        between = text[items[right - 1].end : items[right].start]
        return between if _COMMA.fullmatch(between) else ", "
    before = text[sequence.start + 1 : items[0].start]
    return "," + before if before.isspace() and before.strip(" ") else ", "


def _write(item: Any, quote: str) -> str:
    if isinstance(item, str):
        return render(item, quote=quote, is_flow=True)
    entries = (
        f"{render(key, quote=quote, is_flow=True)}: [{', '.join(_write(v, quote) for v in values)}]"
        for key, values in item.items()
    )
    return "{" + ", ".join(entries) + "}"


def _quote_of(sequence: Span) -> str:
    """Return the quote of the items; of the keys in them where all items are mappings."""
    if any(item.kind == "scalar" for item in sequence.items):
        return common_quote(sequence.items)
    return common_quote(key for item in sequence.items for key in item.items[:1])
