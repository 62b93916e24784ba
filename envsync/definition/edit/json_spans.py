"""Where each value of a JSON text begins and ends."""

from __future__ import annotations

import json
import re

from envsync.yamlio.editor import Span

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}]|[^][{},:"\s]+')


def find_json_spans(text: str) -> Span:
    """Return the spans of *text*, which `parse_json` has accepted."""
    frames: list[tuple[int, list[Span]]] = [(0, [])]
    for match in _TOKEN.finditer(text):
        symbol = match.group()
        if symbol in "[{":
            frames.append((match.start(), []))
            continue
        if symbol in "]}":
            start, items = frames.pop()
            kind, style = ("mapping", "{") if symbol == "}" else ("sequence", "[")
            span = Span(kind, start, match.end(), style, "", tuple(items))
        elif symbol.startswith('"'):
            value = json.loads(symbol, strict=False)
            span = Span("scalar", match.start(), match.end(), '"', value)
        else:
            span = Span("scalar", match.start(), match.end(), "", symbol)
        frames[-1][1].append(span)
    return frames[0][1][0]
