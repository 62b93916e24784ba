"""The files of a definition as values that know their places, whatever their language."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from envsync.definition.edit.conda import format_path
from envsync.definition.edit.json_spans import find_json_spans
from envsync.definition.rules.diagnosis import Fix
from envsync.errors import Finding
from envsync.yamlio import Mapping, Node, Scalar, Sequence, is_null, normalise_line_ends

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from envsync.definition.edit.text_edit import Edit, KeyPath, Language
    from envsync.yamlio.editor import Span


class Document(NamedTuple):
    """One file: *root* is what it holds; a Dockerfile is one scalar.

    In a run configuration keys are in any case, which *is_loose* tells.
    """

    path: Path
    text: str
    language: Language | None
    root: Node
    is_loose: bool = False


class Value(NamedTuple):
    """A value in a document; *key* is the key that it stands under, if it does."""

    document: Document
    path: KeyPath
    node: Node
    key: Scalar | None = None

    @property
    def text(self) -> str:
        """What a scalar says; empty for anything else, and for null."""
        return "" if not isinstance(self.node, Scalar) or is_null(self.node) else self.node.text

    def get(self, *keys: str) -> Value | None:
        """Return what stands under *keys*, None where there is nothing or null."""
        value: Value | None = self
        for key in keys:
            value = None if value is None else value.child(key)
        return None if value is None or is_null(value.node) else value

    def child(self, key: str) -> Value | None:
        """Return what stands under *key*, be it null."""
        squeeze = _squeeze if self.document.is_loose else str
        wanted = squeeze(key)
        return next((v for name, v in self.entries() if squeeze(name.text) == wanted), None)

    def entries(self) -> Iterator[tuple[Scalar, Value]]:
        """Yield the keys and values of a mapping; of anything else, none."""
        if isinstance(self.node, Mapping):
            for key, node in self.node.entries:
                yield key, Value(self.document, (*self.path, key.text), node, key)

    def items(self) -> Iterator[Value]:
        """Yield the items of a sequence; of anything else, none."""
        if isinstance(self.node, Sequence):
            for i, node in enumerate(self.node.items):
                yield Value(self.document, (*self.path, i), node)

    def walk(self) -> Iterator[Value]:
        """Yield this value and all below it."""
        yield self
        for _, value in self.entries():
            yield from value.walk()
        for value in self.items():
            yield from value.walk()

    def fix(self, edit: Edit, description: str) -> Fix | None:
        """Return *edit* as a fix, None where the document is in no language that can be edited."""
        language = self.document.language
        return language and Fix(description=description, edit=edit, language=language)

    def finding(self, message: str, hint: str | None = None) -> Finding:
        """Return a finding at this place."""
        return Finding(
            file=str(self.document.path),
            message=message,
            hint=hint,
            key_path=format_path(self.path),
            line=self.node.line,
            column=self.node.column,
        )


def json_root(text: str) -> Node:
    """Return the nodes of the JSON *text*, which `parse_json` has accepted."""
    text = normalise_line_ends(text)
    starts = [0]
    while (end := text.find("\n", starts[-1])) >= 0:
        starts.append(end + 1)
    return _to_node(find_json_spans(text), starts)


def _to_node(span: Span, starts: list[int]) -> Node:
    line = bisect_right(starts, span.start)
    column = span.start - starts[line - 1] + 1
    if span.kind == "scalar":
        return Scalar(span.text, not span.style, line, column)
    items = tuple(_to_node(item, starts) for item in span.items)
    if span.kind == "sequence":
        return Sequence(items, line, column)
    keys = (key for key in items[::2] if isinstance(key, Scalar))
    return Mapping(tuple(zip(keys, items[1::2], strict=True)), line, column)


def _squeeze(key: str) -> str:
    return key.replace("_", "").lower()
