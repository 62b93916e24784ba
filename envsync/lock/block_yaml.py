"""The part of YAML that lockfiles are written in, read fast: blocks of text scalars."""

from __future__ import annotations

import json
import re
from typing import Union

Node = Union[str, "dict[str, Node]", "list[Node]"]
Places = dict[int, "dict[str | int, int]"]

_KEY = re.compile(
    r"""(?P<key>'(?:[^']|'')*'|[^\s'"&*!|>%@`{}\[\]#:,.?<-][^:#]*|-[^\s:#-][^\s:#]*)\s*:(?:\s|$)"""
)
_SINGLE = re.compile(r"'(?:[^']|'')*'")
_DOUBLE = re.compile(r'"(?:[^"\\]|\\["\\/bfnrt])*"')  # escapes that mean the same in JSON
_SPECIAL = set('"&*!|>%@`{}[]#?,')
_NULLS = frozenset({"null", "Null", "NULL", "~"})


class NotBlockYaml(Exception):  # noqa: N818  # not a failure: a YAML library is asked instead
    """The text uses more of YAML than this reader knows, from *line* on at the latest."""

    def __init__(self, line: int = 1) -> None:
        super().__init__()
        self.line = line


class DuplicateKey(Exception):  # noqa: N818  # the reader makes the error of it
    """A mapping has *key* twice, for the second time on *line*."""

    def __init__(self, key: str, line: int) -> None:
        super().__init__(key)
        self.key = key
        self.line = line


def parse(text: str, places: Places | None = None) -> Node:
    """Return *text* as dicts, lists and strings; no scalar is taken for a number or a date.

    Into *places*, by the id of each dict and list, go the lines of what it holds.

    Raises:
        NotBlockYaml: the text is not what conda-lock writes; it may be good YAML all the same.
        DuplicateKey: a mapping has a key twice.
    """
    lines = _Lines(text, places)
    if not lines.rows:
        raise NotBlockYaml
    node = _parse_block(lines, lines.rows[0][0])
    if lines.position != len(lines.rows):
        raise lines.give_up()
    return node


class _Lines:
    """The lines that count, as (indentation, text, number), and how far they have been read."""

    def __init__(self, text: str, places: Places | None) -> None:
        if not text.replace("\n", "").isprintable():  # tabs, spaces and line ends of other kinds
            raise NotBlockYaml
        self.rows = [
            (len(line) - len(bare), bare.rstrip(" "), number)
            for number, line in enumerate(text.split("\n"), start=1)
            if (bare := line.lstrip(" ")) and bare[0] != "#"
        ]
        self.position = 0
        self._places = places

    def number(self) -> int:
        """Return the number of the line that is read next, or of the last one."""
        return self.rows[min(self.position, len(self.rows) - 1)][2]

    def note(self, node: Node, key: str | int) -> None:
        """Remember that what *node* has under *key* starts on the line that is read next."""
        if self._places is not None:
            self._places.setdefault(id(node), {})[key] = self.number()

    def give_up(self) -> NotBlockYaml:
        """Return the exception for what stands on the line that is read next."""
        return NotBlockYaml(self.number())


def _parse_block(lines: _Lines, indent: int) -> Node:
    content = lines.rows[lines.position][1]
    if content == "-" or content.startswith("- "):
        return _parse_list(lines, indent)
    return _parse_dict(lines, indent)


def _parse_list(lines: _Lines, indent: int) -> list[Node]:
    items: list[Node] = []
    rows = lines.rows
    while lines.position < len(rows):
        found, content, number = rows[lines.position]
        if found != indent or not content.startswith("- "):
            break
        lines.note(items, len(items))
        inner = content[2:].lstrip(" ")
        if _KEY.match(inner):
            offset = indent + len(content) - len(inner)
            rows[lines.position] = (offset, inner, number)
            items.append(_parse_dict(lines, offset))
        else:
            lines.position += 1
            items.append(_parse_scalar(lines, inner, indent))
    return items


def _parse_dict(lines: _Lines, indent: int) -> dict[str, Node]:
    items: dict[str, Node] = {}
    rows = lines.rows
    while lines.position < len(rows):
        found, content, number = rows[lines.position]
        if found != indent or content.startswith("- "):
            break
        match = _KEY.match(content)
        if match is None:
            raise lines.give_up()
        key = _unquote(match["key"].rstrip())
        if key in items:
            raise DuplicateKey(key, number)
        lines.note(items, key)
        lines.position += 1
        rest = content[match.end() :].strip(" ")
        items[key] = _parse_scalar(lines, rest, indent) if rest else _parse_child(lines, indent)
    return items


def _parse_child(lines: _Lines, indent: int) -> Node:
    """Read what stands below a key: a deeper block, a list at the key's own depth, or nothing."""
    if lines.position < len(lines.rows):
        found, content, _ = lines.rows[lines.position]
        if found > indent or (found == indent and content.startswith("- ")):
            return _parse_block(lines, found)
    return ""


def _parse_scalar(lines: _Lines, text: str, indent: int) -> Node:
    if text.startswith("'"):
        return _unquote(_read_quoted(lines, text, indent))
    if _DOUBLE.fullmatch(text):
        return str(json.loads(text, strict=False))
    if text == "[]":
        return []
    if text == "{}":
        return {}
    if text in _NULLS:
        return ""
    if text[0] in _SPECIAL or text == "-" or text.startswith("- "):
        raise lines.give_up()
    return _read_plain(lines, text, indent)


def _read_plain(lines: _Lines, text: str, indent: int) -> str:
    """Read on while a plain scalar goes on, as a long one does: in lines further in."""
    rows = lines.rows
    while lines.position < len(rows) and rows[lines.position][0] > indent:
        _, more, number = rows[lines.position]
        if number != rows[lines.position - 1][2] + 1:
            raise lines.give_up()  # an empty line, which would be a line break, or a comment
        text = f"{text} {more}"
        lines.position += 1
    if ": " in text or " #" in text or text.endswith(":"):
        raise lines.give_up()
    return text


def _read_quoted(lines: _Lines, text: str, indent: int) -> str:
    """Read on until the quote that *text* starts with is closed."""
    rows = lines.rows
    while not (text.endswith("'") and _SINGLE.fullmatch(text)):
        if lines.position == len(rows) or rows[lines.position][0] <= indent:
            raise lines.give_up()
        _, more, number = rows[lines.position]
        if number != rows[lines.position - 1][2] + 1:
            raise lines.give_up()  # an empty line, or one that would be a comment elsewhere
        text = f"{text} {more}"
        lines.position += 1
    return text


def _unquote(text: str) -> str:
    return text[1:-1].replace("''", "'") if text.startswith("'") else text
