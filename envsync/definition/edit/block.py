"""Items of a block sequence: lines that begin with `- `."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from envsync.definition.edit.scalar import common_quote, render
from envsync.definition.edit.splice import Splice

if TYPE_CHECKING:
    from envsync.yamlio.editor import Span

_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\r\n]*", re.MULTILINE)
_LINE_END = re.compile(r"\r\n|\r|\n")


def insert_block_item(text: str, sequence: Span, index: int, item: Any, *, indent: int) -> Splice:
    """Put *item* in as number *index* of *sequence*, written as the others are.

    *indent* is how far a list inside *item* is indented.
    """
    before, gap = _style(text, sequence)
    lines = _write(item, before, gap, common_quote(sequence.items), indent)
    if index == 0:
        return _insert_before(text, _line_start(text, _dash(text, sequence, 0)), lines)
    return _insert_after(text, sequence.items[index - 1].end, lines)


def remove_block_item(text: str, key: Span, sequence: Span, index: int) -> Splice:
    """Take the lines of item *index* out of *sequence*, which stands under *key*.

    Where it is the only one, an empty flow sequence takes its place.
    """
    start = _line_start(text, _dash(text, sequence, index))
    end = _next_line(text, sequence.items[index].end)
    if len(sequence.items) == 1:
        colon = text.index(":", key.end) + 1
        return Splice(colon, end, " []" + text[colon:start])
    if end == len(text) and not _last_line_end(text):
        start -= len(_last_line_end(text[:start]))
    return Splice(start, end, "")


def put_item(text: str, key: Span, absent: Span, item: str, *, indent: int) -> Splice:
    """Put a sequence of *item* alone in the place of *absent*, the null that *key* has."""
    line = f"{' ' * (column(text, key.start) + indent)}- {render(item)}"
    return _insert_after(text, absent.start, [line])


def insert_key(text: str, parent: Span, key: str, item: str, *, indent: int) -> Splice:
    """Put *key* at the end of *parent*, and a sequence of *item* alone under it."""
    if parent.style:
        comma = ", " if parent.items else ""
        written = f"{comma}{key}: [{render(item, is_flow=True)}]"
        return Splice(parent.end - 1, parent.end - 1, written)
    start = column(text, parent.items[0].start)
    lines = [f"{' ' * start}{key}:", f"{' ' * (start + indent)}- {render(item)}"]
    return _insert_after(text, parent.end, lines)


def list_indent(text: str, root: Span) -> int:
    """Return by how much the lists of *text* are indented under their keys."""
    entries = root.items if root.kind == "mapping" else ()
    for key, value in zip(entries[::2], entries[1::2], strict=True):
        if value.kind == "sequence" and not value.style and value.items:
            return max(column(text, _dash(text, value, 0)) - column(text, key.start), 0)
    return 0


def column(text: str, offset: int) -> int:
    """Return how many characters stand before *offset* on its line."""
    return offset - _line_start(text, offset)


def _write(item: Any, before: str, gap: str, quote: str, indent: int) -> list[str]:
    if isinstance(item, str):
        return [f"{before}-{gap}{render(item, quote=quote)}"]
    ((key, values),) = item.items()
    inner = f"{before} {gap}{' ' * indent}-{gap}"
    return [f"{before}-{gap}{key}:", *(f"{inner}{render(v, quote=quote)}" for v in values)]


def _style(text: str, sequence: Span) -> tuple[str, str]:
    """Return what stands before and after the dash of the first item."""
    dash = _dash(text, sequence, 0)
    indent = text[_line_start(text, dash) : dash]
    gap = re.match(r"-([ \t]+)(?=[^\s#])", text[dash:])
    return indent, gap[1] if gap is not None else " "


def _dash(text: str, sequence: Span, index: int) -> int:
    """Return where the `-` of item *index* is."""
    first = sequence.items[index - 1].end if index else sequence.start
    between = text[first : sequence.items[index].start]
    bare = _COMMENT.sub(lambda match: " " * len(match.group()), between)
    return first + bare.rindex("-")


def _insert_before(text: str, offset: int, lines: list[str]) -> Splice:
    end = _line_end_of(text)
    return Splice(offset, offset, "".join(line + end for line in lines))


def _insert_after(text: str, offset: int, lines: list[str]) -> Splice:
    """Put *lines* behind the line in which what ends at *offset* ends."""
    place, end = _next_line(text, offset), _line_end_of(text)
    if place and text[place - 1] in "\r\n":
        return _insert_before(text, place, lines)
    return Splice(place, place, "".join(end + line for line in lines))


def _line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def _next_line(text: str, offset: int) -> int:
    """Return where the line after *offset* starts; a block scalar ends at the start of one."""
    if offset and text[offset - 1] in "\r\n":
        return offset
    found = _LINE_END.search(text, offset)
    return len(text) if found is None else found.end()


def _last_line_end(text: str) -> str:
    found = re.search(r"(?:\r\n|\r|\n)\Z", text)
    return found.group() if found is not None else ""


def _line_end_of(text: str) -> str:
    """Return the line end that *text* has most."""
    found = _LINE_END.findall(text)
    return max(sorted(set(found)), key=found.count, default="\n")
