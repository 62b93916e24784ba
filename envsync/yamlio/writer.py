"""Plain values to YAML text, and text rewritten with its comments kept."""

from __future__ import annotations

import io
import re
from typing import Any

from envsync.yamlio.node import normalise_line_ends

# Line breaks to YAML 1.1 and text to 1.2; the writer would take them for breaks.
_BREAKS = re.compile("[\x85\u2028\u2029]")


def dump_yaml(value: Any) -> str:
    """Return *value*, made of dicts, lists and scalars, as YAML in block style."""
    return _dump(_escape(value))


def rewrite_yaml(text: str) -> str:
    """Return *text* as the Azure ML SDK would save it after reading it.

    Comments, order, flow style and used anchors stay. Line ends become LF, lists lose their
    indentation, needless quotes go, and a long value is folded at a space beyond column 80.
    Two slips of the SDK are not copied: it may lose a blank line before a commented section.
    """
    return _dump(_round_trip().load(normalise_line_ends(text)))


def _escape(value: Any) -> Any:
    """Return *value* with double quotes asked for where the writer would spoil the text."""
    if isinstance(value, dict):
        return {_escape(key): _escape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escape(item) for item in value]
    if isinstance(value, str) and _BREAKS.search(value):
        from ruamel.yaml.scalarstring import DoubleQuotedScalarString  # noqa: PLC0415

        return DoubleQuotedScalarString(value)
    return value


def _dump(value: Any) -> str:
    stream = io.StringIO()
    _round_trip().dump(value, stream)
    return stream.getvalue()


def _round_trip() -> Any:
    """Return ruamel.yaml's reader and writer, made to fold as its release 0.17 did.

    The SDK carries that release; newer ones start a line before a long word, not after it.
    """
    from ruamel.yaml import YAML  # noqa: PLC0415  # 20 ms that only YAML should cost
    from ruamel.yaml.emitter import Emitter  # noqa: PLC0415

    class FoldingEmitter(Emitter):
        def write_plain(self, text: Any, split: Any = True) -> None:  # noqa: FBT002  # ruamel's
            width, self.best_width = self.best_width, 1 << 30
            rest = text
            while rest is not None:
                start = self.column + (0 if self.whitespace else 1)
                head, rest = _fold(rest, width - start) if split else (rest, None)
                super().write_plain(head, split)
                if rest is not None:
                    self.write_indent()
                    self.whitespace = True
            self.best_width = width

    yaml = YAML()
    yaml.Emitter = FoldingEmitter
    return yaml


def _fold(text: str, width: int) -> tuple[str, str | None]:
    """Cut *text* at its first lone space beyond *width*; the second part is None for none."""
    for match in re.finditer(r"(?<! ) (?! )", text):
        if match.start() > width:
            return text[: match.start()], text[match.end() :]
    return text, None
