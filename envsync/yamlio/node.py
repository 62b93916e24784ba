"""A YAML document as a tree whose values are still text and know their places."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, TypeAlias


class Scalar(NamedTuple):
    """One value as its author wrote it; *is_plain* tells `3.10` from `"3.10"`."""

    text: str
    is_plain: bool = True
    line: int | None = None
    column: int | None = None


class Sequence(NamedTuple):
    """A list."""

    items: tuple[Node, ...]
    line: int | None = None
    column: int | None = None


class Mapping(NamedTuple):
    """A mapping, in the order of the file; every key is there once."""

    entries: tuple[tuple[Scalar, Node], ...]
    line: int | None = None
    column: int | None = None


Node: TypeAlias = "Scalar | Sequence | Mapping"

# The core schema of YAML 1.2.2 (10.3.2), which says what a plain scalar means.
_NULL = re.compile(r"(?:~|null|Null|NULL)?")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


def is_null(node: Node) -> bool:
    """Tell whether *node* is YAML's null: nothing, `~` or `null`."""
    return isinstance(node, Scalar) and node.is_plain and bool(_NULL.fullmatch(node.text))


def is_integer(text: str) -> bool:
    """Tell whether a plain scalar *text* is an integer."""
    return bool(_INT.fullmatch(text))


def plain_value(node: Node) -> Any:
    """Return *node* as dicts, lists and scalars."""
    if isinstance(node, Mapping):
        return {key.text: plain_value(value) for key, value in node.entries}
    if isinstance(node, Sequence):
        return [plain_value(item) for item in node.items]
    return _resolve(node.text) if node.is_plain else node.text


def node_from(value: Any) -> Node:
    """Return what `parse_yaml` would give for *value*, made of dicts, lists and scalars."""
    if isinstance(value, dict):
        return Mapping(tuple((Scalar(str(key)), node_from(item)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return Sequence(tuple(node_from(item) for item in value))
    if isinstance(value, str):
        return Scalar(value, is_plain=False)
    if value is None or isinstance(value, bool):
        return Scalar({None: "null", True: "true", False: "false"}[value])
    return Scalar(str(value))


def normalise_line_ends(text: str) -> str:
    """Return *text* with LF at the end of each line."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _resolve(text: str) -> Any:
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if is_integer(text):
        return int(text, 0 if text.startswith(("0o", "0x")) else 10)
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text
