"""The part of YAML that lockfiles are written in, read fast: blocks of text scalars."""

from __future__ import annotations

import re
from typing import Union

Node = Union[str, "dict[str, Node]", "list[Node]"]

_KEY = re.compile(
    r"""(?P<key>'(?:[^']|'')*'|[^\s'"&*!|>%@`{\[#:,?-][^:#]*|-[^\s:#]+)\s*:(?:\s|$)"""
)
_SPECIAL = set('"&*!|>%@`{[#?,')


class NotBlockYaml(Exception):  # noqa: N818  # not a failure: a YAML library is asked instead
    """The text uses more of YAML than this reader knows."""


def parse(text: str) -> Node:
    """Return *text* as dicts, lists and strings; no scalar is taken for a number or a date.

    Raises:
        NotBlockYaml: the text is not what conda-lock writes; it may be good YAML all the same.
    """
    lines = _Lines(text)
    if not lines.rows:
        raise NotBlockYaml
    node = _parse_block(lines, lines.rows[0][0])
    if lines.position != len(lines.rows):
        raise NotBlockYaml
    return node


class _Lines:
    """The lines that count, as (indentation, text), and how far they have been read."""

    def __init__(self, text: str) -> None:
        if "\t" in text or "\r" in text:
            raise NotBlockYaml
        self.rows = [
            (len(line) - len(line.lstrip(" ")), line.strip(" "))
            for line in text.split("\n")
            if (bare := line.lstrip(" ")) and not bare.startswith("#")
        ]
        self.position = 0


def _parse_block(lines: _Lines, indent: int) -> Node:
    content = lines.rows[lines.position][1]
    if content == "-" or content.startswith("- "):
        return _parse_list(lines, indent)
    return _parse_dict(lines, indent)


def _parse_list(lines: _Lines, indent: int) -> list[Node]:
    items: list[Node] = []
    rows = lines.rows
    while lines.position < len(rows):
        found, content = rows[lines.position]
        if found != indent or not content.startswith("- "):
            break
        inner = content[2:].lstrip(" ")
        if _KEY.match(inner):
            offset = indent + len(content) - len(inner)
            rows[lines.position] = (offset, inner)
            items.append(_parse_dict(lines, offset))
        else:
            lines.position += 1
            items.append(_parse_scalar(lines, inner, indent))
    return items


def _parse_dict(lines: _Lines, indent: int) -> dict[str, Node]:
    items: dict[str, Node] = {}
    rows = lines.rows
    while lines.position < len(rows):
        found, content = rows[lines.position]
        if found != indent or content.startswith("- "):
            break
        match = _KEY.match(content)
        if match is None:
            raise NotBlockYaml
        key = _unquote(match["key"].rstrip())
        if key in items:
            raise NotBlockYaml
        lines.position += 1
        rest = content[match.end() :].strip(" ")
        items[key] = _parse_scalar(lines, rest, indent) if rest else _parse_child(lines, indent)
    return items


def _parse_child(lines: _Lines, indent: int) -> Node:
    """Read what stands below a key: a deeper block, a list at the key's own depth, or nothing."""
    if lines.position < len(lines.rows):
        found, content = lines.rows[lines.position]
        if found > indent or (found == indent and content.startswith("- ")):
            return _parse_block(lines, found)
    return ""


def _parse_scalar(lines: _Lines, text: str, indent: int) -> Node:
    rows = lines.rows
    if text.startswith("'"):
        while not _is_closed(text):
            if lines.position == len(rows) or rows[lines.position][0] <= indent:
                raise NotBlockYaml
            text = f"{text} {rows[lines.position][1]}"
            lines.position += 1
        return _unquote(text)
    if text == "[]":
        return []
    if text == "{}":
        return {}
    if text[0] in _SPECIAL or ": " in text or " #" in text or text.endswith(":"):
        raise NotBlockYaml
    if lines.position < len(rows) and rows[lines.position][0] > indent:
        raise NotBlockYaml  # a plain scalar that goes on in the next line
    return text


def _is_closed(text: str) -> bool:
    body = text[1:]
    return body.endswith("'") and body.count("'") % 2 == 1


def _unquote(text: str) -> str:
    return text[1:-1].replace("''", "'") if text.startswith("'") else text
