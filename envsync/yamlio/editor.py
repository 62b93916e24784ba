"""Where each value of a YAML text begins and ends, so that one can be changed and the rest kept."""

from __future__ import annotations

from typing import Any, NamedTuple


class Span(NamedTuple):
    """A value and its place: `text[start:end]` is what its author wrote.

    A scalar has *text*, and as *style* its quote, `|`, `>` or nothing; a collection has *items*,
    and `[`, `{` or nothing. The items of a mapping are key, value, key, value. An alias is a
    scalar of style `*`.
    """

    kind: str
    start: int
    end: int
    style: str = ""
    text: str = ""
    items: tuple[Span, ...] = ()

    def find(self, path: tuple[str | int, ...]) -> Span | None:
        """Return what stands at *path* below this value."""
        if not path:
            return self
        child = self.child(path[0])
        return None if child is None else child.find(path[1:])

    def child(self, step: str | int) -> Span | None:
        """Return the item number *step* of a sequence, or the value of the key *step*."""
        if isinstance(step, int):
            is_there = self.kind == "sequence" and step < len(self.items)
            return self.items[step] if is_there else None
        key = self.key(step)
        return None if key is None else self.items[self.items.index(key) + 1]

    def key(self, name: str) -> Span | None:
        """Return the key *name* of a mapping."""
        if self.kind != "mapping":
            return None
        return next((key for key in self.items[::2] if key.text == name), None)


def find_spans(text: str) -> Span | None:
    """Return the spans of *text*, which `parse_yaml` has accepted; None for an empty document.

    Offsets count characters of *text* as it is, whatever its line ends.
    """
    from ruamel.yaml import YAML  # noqa: PLC0415  # 20 ms that only YAML should cost

    frames: list[tuple[Any, list[Span]]] = []
    done: list[Span] = []
    for event in YAML(typ="safe", pure=True).parse(text):
        name = type(event).__name__
        if name in {"MappingStartEvent", "SequenceStartEvent"}:
            frames.append((event, []))
            continue
        if name in {"MappingEndEvent", "SequenceEndEvent"}:
            span = _close(text, *frames.pop(), event)
        elif name in {"ScalarEvent", "AliasEvent"}:
            span = _leaf(event)
        else:
            continue
        (frames[-1][1] if frames else done).append(span)
    return done[0] if done else None


def _close(text: str, start: Any, items: list[Span], end: Any) -> Span:
    first = start.start_mark.index
    if type(start).__name__ == "SequenceStartEvent":
        kind, bracket = "sequence", "["
    else:
        kind, bracket = "mapping", "{"
        items = _place_absent_values(text, items)
    if start.flow_style:
        return Span(kind, first, end.end_mark.index, bracket, "", tuple(items))
    last = max((item.end for item in items), default=first)
    return Span(kind, first, last, "", "", tuple(items))


def _place_absent_values(text: str, items: list[Span]) -> list[Span]:
    """Put a value that isn't there behind its key's colon; the parser has it further on."""
    placed = list(items)
    for i in range(1, len(items), 2):
        if items[i].start == items[i].end:
            offset = text.find(":", items[i - 1].end, items[i].end) + 1 or items[i].end
            placed[i] = items[i]._replace(start=offset, end=offset)
    return placed


def _leaf(event: Any) -> Span:
    first, last = event.start_mark.index, event.end_mark.index
    if type(event).__name__ == "AliasEvent":
        return Span("scalar", first, last, "*", event.anchor)
    return Span("scalar", first, last, event.style or "", event.value)
