"""One scalar as text: plain where that is safe, and else as its neighbours are."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from envsync.yamlio import Scalar, plain_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envsync.yamlio.editor import Span

_UNSAFE = re.compile(r"[-?:]?(?:\s|$)|[\s,\[\]{}#&*!|>'\"%@`]|.*(?::\s|\s#|:$|\s$|[\r\n\t])")
_UNSAFE_IN_FLOW = re.compile(r".*[,\[\]{}]")
# What YAML 1.1, and so PyYAML, takes for something else than text.
_YAML_1_1 = re.compile(
    r"(?i:yes|no|on|off|y|n|true|false|null|~)|[-+]?[0-9][0-9_:.]*(?:e[-+]?[0-9]+)?"
    r"|0x[0-9a-f_]+|0b[01_]+|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*|=|<<"
)


def render(text: str, *, quote: str = "", is_flow: bool = False) -> str:
    """Return *text* as it may stand in YAML, in *quote* if there is one."""
    if not text.isprintable() or quote == '"':
        return json.dumps(text, ensure_ascii=False)
    if quote == "'" or not _is_safe(text, is_flow=is_flow):
        return "'" + text.replace("'", "''") + "'"
    return text


def render_like(text: str, span: Span, *, is_flow: bool) -> str:
    """Return *text* quoted as *span* is."""
    return render(text, quote=span.style if span.style in {"'", '"'} else "", is_flow=is_flow)


def common_quote(spans: Iterable[Span]) -> str:
    """Return the quote that all of *spans* have, nothing if they have none or several."""
    styles = {span.style for span in spans if span.kind == "scalar" and span.style != "*"}
    return styles.pop() if len(styles) == 1 and styles <= {"'", '"'} else ""


def scalar_value(text: str) -> Any:
    """Return what *text* means in YAML without quotes."""
    return plain_value(Scalar(text))


def is_ambiguous(text: str) -> bool:
    """Tell whether readers of YAML 1.1 or 1.2 take a plain *text* for something else than text."""
    return not isinstance(scalar_value(text), str) or bool(_YAML_1_1.fullmatch(text))


def _is_safe(text: str, *, is_flow: bool) -> bool:
    if _UNSAFE.match(text) or is_ambiguous(text):
        return False
    return not (is_flow and _UNSAFE_IN_FLOW.match(text))
