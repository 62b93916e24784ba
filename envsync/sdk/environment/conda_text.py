"""The author's YAML, with the changes to the conda dependencies and with its comments kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.definition.edit.conda import CondaText
from envsync.definition.edit.text_edit import InsertItem, RemoveItem, SetText
from envsync.definition.requirement.pip_line import strip_comment
from envsync.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envsync.definition.edit.conda import Item
    from envsync.model.environment import CondaSpec


def follow(text: str, spec: CondaSpec) -> str:
    """Return *text* with the fewest edits that make it ask for the packages of *spec*.

    The result is empty if *text* can't be edited in place. Nothing checks the result here:
    `dump_conda` compares it with the fields, which take precedence.
    """
    try:
        edited = CondaText(text, "")
        _follow_key(edited, "channels", lambda: edited.channels, spec.channels)
        _follow_key(edited, "dependencies", lambda: edited.match_specs, spec.match_specs)
        _follow_pip(edited, spec.pip_options, are_options=True)
        _follow_pip(edited, spec.pip_requirements, are_options=False)
        if not spec.has_pip_section:
            for path, _ in reversed(edited.pip_sections):
                edited.apply(RemoveItem(path=path[:2]))
    except DefinitionError:
        return ""
    return edited.text


def _follow_key(
    text: CondaText, key: str, find: Callable[[], Sequence[Item]], wanted: tuple[str, ...]
) -> None:
    _follow(
        text, find, wanted, lambda item: text.apply(InsertItem(path=(key,), index=0, item=item))
    )


def _follow_pip(text: CondaText, wanted: tuple[str, ...], *, are_options: bool) -> None:
    def find() -> list[Item]:
        return [
            item
            for item in text.pip_lines
            if (line := strip_comment(item.text)) and line.startswith("-") == are_options
        ]

    _follow(text, find, wanted, lambda line: text.insert_pip_line(line, first=are_options))


def _follow(
    text: CondaText,
    find: Callable[[], Sequence[Item]],
    wanted: tuple[str, ...],
    insert_first: Callable[[str], None],
) -> None:
    """Edit *text* until *find* returns the *wanted* items; each edit changes one item."""
    while True:
        items = find()
        have = [item.text.strip() for item in items]
        if have == list(wanted):
            return
        pairs = enumerate(zip(have, wanted, strict=False))
        shorter = min(len(have), len(wanted))
        at = next((i for i, (one, other) in pairs if one != other), shorter)
        if at == len(wanted) or (at < len(have) and wanted[at] in have[at + 1 :]):
            text.apply(RemoveItem(path=items[at].path))
        elif at < len(have) and have[at] not in wanted[at + 1 :]:
            text.apply(SetText(path=items[at].path, text=wanted[at]))
        elif at > 0:
            *path, last = items[at - 1].path
            text.apply(InsertItem(path=tuple(path), index=int(last) + 1, item=wanted[at]))
        else:
            insert_first(wanted[0])
