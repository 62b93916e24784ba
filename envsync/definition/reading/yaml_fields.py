"""Values of a YAML mapping, taken only where they are what they should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from envsync.definition.reading.repairs import QUOTE, suggest_key
from envsync.definition.reading.report import join
from envsync.model.text.redaction import quote
from envsync.yamlio import Mapping, Scalar, is_null, plain_value

if TYPE_CHECKING:
    from collections.abc import Collection

    from envsync.definition.reading.report import Report
    from envsync.yamlio import Node


class YamlFields:
    """The entries of the mapping *node*, which stands at *path*; anything else has none."""

    def __init__(self, node: Node | None, report: Report, path: str = "") -> None:
        pairs = node.entries if isinstance(node, Mapping) else ()
        self.nodes: dict[str, Node] = {key.text: value for key, value in pairs}
        self._keys = tuple(key for key, _ in pairs)
        self._report = report
        self._path = path

    def check_keys(self, known: Collection[str], *, ignored: Collection[str] = ()) -> None:
        """Report each key that Azure ML would refuse (not in *known*) or does not take over."""
        for key in self._keys:
            place = join(self._path, key.text)
            if key.text in ignored:
                message = "the service fills this in; it is not kept"
                self._report.warn(place, message, hint="remove it", at=key, rule="lost-by-sdk")
            elif key.text not in known:
                hint = suggest_key(key.text, known) or f"Azure ML takes only: {' '.join(known)}"
                message = "Azure ML refuses a definition with this key"
                self._report.error(place, message, hint=hint, at=key, rule="unknown-key")

    def text(self, key: str) -> str | None:
        """Return the text under *key*, None where there is none; what is no text is reported."""
        node, path = self.nodes.get(key), join(self._path, key)
        if node is None:
            return None
        if not isinstance(node, Scalar) or is_null(node):
            found = "null" if isinstance(node, Scalar) else "a list or mapping"
            self._report.error(path, f"{found} where text should be", at=node, rule="wrong-type")
        elif node.is_plain and not isinstance(plain_value(node), str):
            message = f"{quote(node.text)} is not text"
            self._report.error(path, message, hint=QUOTE, at=node, rule="wrong-type")
        elif not node.text.strip():
            self._report.error(path, "there is nothing under this key", at=node, rule="missing")
        else:
            return node.text
        return None

    def mapping(self, key: str, hint: str | None = None) -> YamlFields | None:
        """Return the mapping under *key*, None where there is none; anything else is reported."""
        node, path = self.nodes.get(key), join(self._path, key)
        if node is None:
            return None
        if not isinstance(node, Mapping):
            self._report.error(
                path, "a mapping should be here", rule="wrong-type", hint=hint, at=node
            )
            return None
        return YamlFields(node, self._report, path)


def to_json(node: Node) -> Any:
    """Return *node* as plain values; a number that would change by being read stays text."""
    if isinstance(node, Mapping):
        return {key.text: to_json(value) for key, value in node.entries}
    if not isinstance(node, Scalar):
        return [to_json(item) for item in node.items]
    value = plain_value(node)
    is_faithful = value is None or isinstance(value, bool) or str(value) == node.text
    return value if is_faithful else node.text
