"""The YAML that most definitions are written in, read without a library: blocks of one-liners."""

from __future__ import annotations

import re
from typing import NamedTuple

from envsync.yamlio.node import Mapping, Node, Scalar, Sequence

_MOST_LINES = 2_000
_LONGEST_LINE = 500
_DEEPEST = 16

# A line of a block: an item's dash, a key, a value. What isn't matched is left to the library.
_LINE = re.compile(
    r"""(?P<dash>-[ ]+)?
        (?:(?P<key>[A-Za-z_][\w-]*)[ ]*:(?=[ ]|$))?
        [ ]*
        (?P<value>
            '[^']*'
          | "[^"\\]*"
          | (?:[A-Za-z0-9_/]|[.](?=[\w/])|--?(?=[A-Za-z]))
            (?:[^\s:\#] | :(?=\S) | (?<=\S)\# | [ ]+(?=[^\s\#]))*
        )?
        (?:[ ]+\#.*|[ ]*)""",
    re.ASCII | re.VERBOSE,
)


class _Row(NamedTuple):
    """A line that counts: *indent* is where its first character stands, counted from 0."""

    number: int
    indent: int
    is_item: bool
    key: Scalar | None
    value: Scalar | None


class _NotUsualError(Exception):
    """There is more to the text than this module knows."""


def parse_usual(text: str) -> Node | None:
    """Return what the YAML library would make of *text*, None if only it can tell."""
    if not text.isascii() or text.count("\n") > _MOST_LINES:
        return None
    try:
        rows = [
            _parse_line(number, line)
            for number, line in enumerate(text.split("\n"), start=1)
            if (bare := line.lstrip(" ")) and bare[0] != "#"
        ]
        if not rows or rows[0].indent or rows[0].is_item:
            return None
        node, end = _parse_mapping(rows, 0, 0)
    except _NotUsualError:
        return None
    return node if end == len(rows) else None


def _parse_line(number: int, line: str) -> _Row:
    indent = len(line) - len(line.lstrip(" "))
    match = _LINE.fullmatch(line, indent)
    if match is None or len(line) > _LONGEST_LINE:
        raise _NotUsualError
    key = value = None
    if match["key"] is not None:
        key = Scalar(match["key"], line=number, column=match.start("key") + 1)
    if match["value"] is not None:
        is_plain = match["value"][0] not in "'\""
        written = match["value"] if is_plain else match["value"][1:-1]
        value = Scalar(written, is_plain, number, match.start("value") + 1)
    elif key is None:
        raise _NotUsualError
    return _Row(number, indent, match["dash"] is not None, key, value)


def _parse_block(rows: list[_Row], at: int, depth: int) -> tuple[Node, int]:
    if depth > _DEEPEST:
        raise _NotUsualError
    if rows[at].is_item:
        return _parse_sequence(rows, at, depth)
    return _parse_mapping(rows, at, depth)


def _parse_sequence(rows: list[_Row], at: int, depth: int) -> tuple[Node, int]:
    first = rows[at]
    items: list[Node] = []
    while at < len(rows) and rows[at].indent == first.indent and rows[at].is_item:
        row = rows[at]
        item: Node
        if row.key is None:
            item, at = _scalar_of(row), at + 1
        else:
            rows[at] = row._replace(indent=_column_of(row.key) - 1, is_item=False)
            item, at = _parse_mapping(rows, at, depth + 1)
        items.append(item)
    _check_end(rows, at, first.indent)
    return Sequence(tuple(items), first.number, first.indent + 1), at


def _parse_mapping(rows: list[_Row], at: int, depth: int) -> tuple[Node, int]:
    first = rows[at]
    entries: dict[str, tuple[Scalar, Node]] = {}
    while at < len(rows) and rows[at].indent == first.indent and not rows[at].is_item:
        row = rows[at]
        at += 1
        key = row.key
        if key is None or key.text in entries:
            raise _NotUsualError
        value: Node
        if row.value is not None:
            value = row.value
        elif at < len(rows) and rows[at].indent >= first.indent + (not rows[at].is_item):
            value, at = _parse_block(rows, at, depth + 1)
        else:
            value = Scalar("", line=key.line, column=key.column)
        entries[key.text] = (key, value)
    _check_end(rows, at, first.indent)
    return Mapping(tuple(entries.values()), first.number, first.indent + 1), at


def _check_end(rows: list[_Row], at: int, indent: int) -> None:
    """Refuse what stands further in than the block that ends, such as a scalar that goes on."""
    if at < len(rows) and rows[at].indent > indent:
        raise _NotUsualError


def _scalar_of(row: _Row) -> Scalar:
    if row.value is None:
        raise _NotUsualError
    return row.value


def _column_of(scalar: Scalar) -> int:
    return scalar.column or 0
