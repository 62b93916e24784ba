"""Edits of a YAML or JSON text that leave every other byte as its author wrote it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from envsync.definition.edit.block import (
    insert_block_item,
    insert_key,
    list_indent,
    put_item,
    remove_block_item,
)
from envsync.definition.edit.flow import insert_flow_item, remove_flow_item
from envsync.definition.edit.json_spans import find_json_spans
from envsync.definition.edit.scalar import render_like, scalar_value
from envsync.definition.edit.splice import Splice, apply_splices
from envsync.errors import DefinitionError
from envsync.yamlio import parse_yaml, plain_value
from envsync.yamlio.editor import Span, find_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Language = Literal["yaml", "json"]
KeyPath: TypeAlias = "tuple[str | int, ...]"
Item: TypeAlias = "str | dict[str, list[str]]"

_HOPELESS = "the value is written in a way that needs a human editor"


class InPlaceError(ValueError):
    """A text in which an edit can't be made without touching more than its place."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SetText:
    """Give the scalar at *path* the value *text*; its quotes stay."""

    path: KeyPath
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """Turn the plain value at *path*, which is written as *text*, into text."""

    path: KeyPath
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Unquote:
    """Turn the quoted text at *path* into the value that it spells."""

    path: KeyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class RenameKey:
    """Call the key at *path* by *name*; its quotes stay."""

    path: KeyPath
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class InsertItem:
    """Put *item* into the sequence at *path*, so that it is number *index*.

    At null, or where the last key of *path* is missing, a sequence is made.
    """

    path: KeyPath
    index: int
    item: Item


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveItem:
    """Take the item of a sequence at *path* out, with the comment that stands on its line."""

    path: KeyPath


Edit: TypeAlias = "SetText | Quote | Unquote | RenameKey | InsertItem | RemoveItem"


def apply_edit(text: str, edit: Edit, *, language: Language = "yaml") -> str:
    """Return *text*, which its parser has accepted, with *edit* made in it.

    Raises:
        InPlaceError: it can't be made without touching more.
    """
    return apply_edits(text, [edit], language=language)


def apply_edits(text: str, edits: Iterable[Edit], *, language: Language = "yaml") -> str:
    """Return *text*, which its parser has accepted, with all *edits* made in it.

    The paths are those of *text* as it is. The outcome is parsed, and held against what the edits
    should have come to.

    Raises:
        InPlaceError: one of them can't be made without touching more, or two touch each other.
    """
    expected = _parse(text, language)
    spans = find_spans(text) if language == "yaml" else find_json_spans(text)
    if spans is None:
        raise InPlaceError("the file is empty")
    splices = [(_APPLY[type(edit)](text, spans, edit), edit) for edit in edits]
    # From the end to the start, so that no index moves before it is used.
    splices.sort(key=lambda pair: pair[0], reverse=True)
    try:
        for _, edit in splices:
            _EXPECT[type(edit)](expected, edit)
        edited = apply_splices(text, (splice for splice, _ in splices))
        after = _parse(edited, language)
    except (AttributeError, DefinitionError, LookupError, TypeError, ValueError) as error:
        raise InPlaceError(_HOPELESS) from error
    if repr(after) != repr(expected):
        raise InPlaceError(_HOPELESS)
    return edited


def _parse(text: str, language: Language) -> Any:
    if language == "json":
        return json.loads(text)
    node = parse_yaml(text, file="")
    return None if node is None else plain_value(node)


def _set_text(text: str, spans: Span, edit: Any) -> Splice:
    span = _scalar(text, spans, edit.path)
    parent = _find(spans, edit.path[:-1])
    return Splice(span.start, span.end, render_like(edit.text, span, is_flow=bool(parent.style)))


def _quote(text: str, spans: Span, edit: Any) -> Splice:
    span = _scalar(text, spans, edit.path)
    return Splice(span.start, span.end, json.dumps(text[span.start : span.end]))


def _unquote(text: str, spans: Span, edit: Any) -> Splice:
    span = _scalar(text, spans, edit.path)
    return Splice(span.start, span.end, text[span.start : span.end].strip("'\"").lower())


def _rename_key(text: str, spans: Span, edit: Any) -> Splice:
    del text
    parent, key = _find(spans, edit.path[:-1]), _key(spans, edit.path)
    return Splice(key.start, key.end, render_like(edit.name, key, is_flow=bool(parent.style)))


def _insert_item(text: str, spans: Span, edit: Any) -> Splice:
    sequence, indent = spans.find(edit.path), list_indent(text, spans)
    if sequence is None:
        parent = _find(spans, edit.path[:-1])
        return insert_key(text, parent, edit.path[-1], edit.item, indent=indent)
    if sequence.kind != "sequence" and (sequence.style or sequence.end > sequence.start):
        raise InPlaceError("there is no list here, or one that stands elsewhere")
    if sequence.kind == "scalar":
        return put_item(text, _key(spans, edit.path), sequence, edit.item, indent=indent)
    if sequence.style:
        return insert_flow_item(text, sequence, edit.index, edit.item)
    return insert_block_item(text, sequence, edit.index, edit.item, indent=indent)


def _remove_item(text: str, spans: Span, edit: Any) -> Splice:
    *path, index = edit.path
    sequence = _find(spans, tuple(path))
    if sequence.style:
        return remove_flow_item(sequence, index)
    return remove_block_item(text, _key(spans, tuple(path)), sequence, index)


def _key(spans: Span, path: KeyPath) -> Span:
    key = _find(spans, path[:-1]).key(str(path[-1]))
    if key is None:
        raise InPlaceError("there is no key at this place")
    return key


def _find(spans: Span, path: KeyPath) -> Span:
    span = spans.find(path)
    if span is None:
        raise InPlaceError("what is here stands elsewhere")
    return span


def _scalar(text: str, spans: Span, path: KeyPath) -> Span:
    span = _find(spans, path)
    if (
        span.kind != "scalar"
        or span.style == "*"
        or text[span.start : span.start + 1] in {"&", "!"}
    ):
        raise InPlaceError("the value has an anchor, a tag or parts")
    return span


def _reach(value: Any, path: KeyPath) -> Any:
    for step in path:
        value = value[step]
    return value


def _expect_text(value: Any, edit: Any) -> None:
    _reach(value, edit.path[:-1])[edit.path[-1]] = edit.text


def _expect_value(value: Any, edit: Any) -> None:
    parent, last = _reach(value, edit.path[:-1]), edit.path[-1]
    parent[last] = scalar_value(str(parent[last]).lower())


def _expect_renamed(value: Any, edit: Any) -> None:
    parent = _reach(value, edit.path[:-1])
    entries = [(edit.name if key == edit.path[-1] else key, item) for key, item in parent.items()]
    parent.clear()
    parent.update(entries)


def _expect_inserted(value: Any, edit: Any) -> None:
    parent, last = _reach(value, edit.path[:-1]), edit.path[-1]
    sequence = parent.get(last) if isinstance(last, str) else parent[last]
    if sequence is None:
        parent[last] = [edit.item]
    else:
        sequence.insert(edit.index, edit.item)


def _expect_removed(value: Any, edit: Any) -> None:
    del _reach(value, edit.path[:-1])[edit.path[-1]]


_APPLY: dict[type, Callable[[str, Span, Any], Splice]] = {
    SetText: _set_text,
    Quote: _quote,
    Unquote: _unquote,
    RenameKey: _rename_key,
    InsertItem: _insert_item,
    RemoveItem: _remove_item,
}
_EXPECT: dict[type, Callable[[Any, Any], None]] = {
    SetText: _expect_text,
    Quote: _expect_text,
    Unquote: _expect_value,
    RenameKey: _expect_renamed,
    InsertItem: _expect_inserted,
    RemoveItem: _expect_removed,
}
