"""The author's YAML, changed as the conda dependencies were, with its comments kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from envsync.definition.edit.conda import CondaText, Item
from envsync.definition.edit.text_edit import (
    Edit,
    InPlaceError,
    InsertItem,
    KeyPath,
    RemoveItem,
    SetText,
    apply_edit,
)
from envsync.definition.requirement.pip_line import strip_comment
from envsync.errors import DefinitionError
from envsync.yamlio import Mapping, Scalar, Sequence, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from envsync.model.environment import CondaSpec


class _Group(NamedTuple):
    """Items of one kind: where they stand in a text, what they should be, where others go."""

    find: Callable[[str], list[Item]]
    wanted: tuple[str, ...]
    place: Callable[[str], tuple[KeyPath, int] | None]


def follow(text: str, spec: CondaSpec) -> str:
    """Return *text* with the fewest edits that make it ask for what *spec* asks for.

    It is empty where that can't be done in place. What it says is not checked: `dump_conda`
    holds it against the fields, which count.
    """
    try:
        for group in _list_groups(spec):
            text = _follow_group(text, group)
        if not spec.has_pip_section:
            text = _drop_pip_sections(text)
    except (InPlaceError, DefinitionError):
        return ""
    return text


def _list_groups(spec: CondaSpec) -> tuple[_Group, ...]:
    return (
        _Group(_find_channels, spec.channels, lambda _: (("channels",), 0)),
        _Group(
            lambda text: list(CondaText(text, "").match_specs),
            spec.match_specs,
            lambda _: (("dependencies",), 0),
        ),
        _Group(lambda text: _find_pip(text, options=True), spec.pip_options, _first_in_pip),
        _Group(lambda text: _find_pip(text, options=False), spec.pip_requirements, _last_in_pip),
    )


def _follow_group(text: str, group: _Group) -> str:
    """Make one edit after the other; each brings the items nearer to what is wanted."""
    while (edit := _next_edit(text, group)) is not None:
        text = apply_edit(text, edit)
    return text


def _next_edit(text: str, group: _Group) -> Edit | None:
    items = group.find(text)
    have, wanted = [item.text.strip() for item in items], list(group.wanted)
    at = next(
        (i for i, pair in enumerate(zip(have, wanted, strict=False)) if pair[0] != pair[1]), None
    )
    if at is None:
        at = min(len(have), len(wanted))
    if have == wanted:
        return None
    if at == len(wanted) or (at < len(have) and wanted[at] in have[at + 1 :]):
        return RemoveItem(path=items[at].path)
    if at < len(have) and have[at] not in wanted[at + 1 :]:
        return SetText(path=items[at].path, text=wanted[at])
    return _insertion(text, group, items, at)


def _insertion(text: str, group: _Group, items: list[Item], at: int) -> InsertItem:
    """Return the edit that puts item *at* behind its predecessor, or where the first belongs."""
    if at > 0:
        *path, last = items[at - 1].path
        return InsertItem(path=tuple(path), index=int(last) + 1, item=group.wanted[at])
    place = group.place(text)
    if place is None:
        dependencies = _items_at(text, "dependencies")
        section = {"pip": [group.wanted[at]]}
        return InsertItem(path=("dependencies",), index=len(dependencies), item=section)
    return InsertItem(path=place[0], index=place[1], item=group.wanted[at])


def _find_channels(text: str) -> list[Item]:
    return [
        Item(("channels", i), node.text, None)
        for i, node in enumerate(_items_at(text, "channels"))
        if isinstance(node, Scalar)
    ]


def _find_pip(text: str, *, options: bool) -> list[Item]:
    return [
        item
        for item in CondaText(text, "").pip_lines
        if (line := strip_comment(item.text)) and line.startswith("-") == options
    ]


def _first_in_pip(text: str) -> tuple[KeyPath, int] | None:
    sections = _pip_sections(text)
    return ((*sections[0][0], "pip"), 0) if sections else None


def _last_in_pip(text: str) -> tuple[KeyPath, int] | None:
    sections = _pip_sections(text)
    return ((*sections[0][0], "pip"), sections[0][1]) if sections else None


def _pip_sections(text: str) -> list[tuple[KeyPath, int]]:
    """Return the path of each mapping with a pip section, and how long that section is."""
    return [
        (("dependencies", i), len(value.items) if isinstance(value, Sequence) else 0)
        for i, node in enumerate(_items_at(text, "dependencies"))
        if isinstance(node, Mapping)
        for key, value in node.entries
        if key.text == "pip"
    ]


def _drop_pip_sections(text: str) -> str:
    for path, _ in reversed(_pip_sections(text)):
        text = apply_edit(text, RemoveItem(path=path))
    return text


def _items_at(text: str, key: str) -> tuple[object, ...]:
    root = parse_yaml(text, file="")
    if not isinstance(root, Mapping):
        return ()
    values = [value for name, value in root.entries if name.text == key]
    return values[0].items if values and isinstance(values[0], Sequence) else ()
