"""Packages put into and taken out of the text of a conda environment file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from envsync.definition.conda.dependencies import KEYS
from envsync.definition.edit.text_edit import (
    Edit,
    InPlaceError,
    InsertItem,
    KeyPath,
    RemoveItem,
    SetText,
    apply_edit,
)
from envsync.definition.requirement.match_spec import MatchSpecError, parse_match_spec
from envsync.definition.requirement.pip_line import is_direct, split_options, strip_comment
from envsync.errors import DefinitionError, Finding
from envsync.model.pip_name import normalize_pip_name
from envsync.yamlio import Mapping, Scalar, Sequence, is_null, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envsync.yamlio import Node

Action = Literal["added", "replaced", "removed", "kept"]

_NAME = re.compile(r"[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*")
_MEANT = re.compile(r"(?:[^:\s]+::)?([A-Za-z0-9_][A-Za-z0-9_.-]*)\s*(?:[=<>!~\[;@ ]|$)")
_BARE = re.compile(r"[A-Za-z0-9._-]+")
_DEPENDENCIES = "dependencies"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What became of one item: *before* and *after* are as written, None where there is none."""

    action: Action
    before: str | None = None
    after: str | None = None


class Item(NamedTuple):
    """One match spec or pip line of a file; *name* is normalised, None where there is none."""

    path: KeyPath
    text: str
    name: str | None


class CondaText:
    """The text of a conda environment file under change; *file* is named in errors."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.changes: list[Change] = []
        self.file = file
        self._root = self._parse()

    @property
    def channels(self) -> tuple[Item, ...]:
        """The channels, in the order of the file."""
        node = _get(self._root, "channels")
        return tuple(
            Item(("channels", i), item.text, None)
            for i, item in enumerate(node.items if isinstance(node, Sequence) else ())
            if isinstance(item, Scalar)
        )

    @property
    def match_specs(self) -> tuple[Item, ...]:
        """The conda items, in the order of the file."""
        return tuple(
            Item((_DEPENDENCIES, i), node.text, conda_name(node.text))
            for i, node in enumerate(self._items)
            if isinstance(node, Scalar)
        )

    @property
    def pip_lines(self) -> tuple[Item, ...]:
        """The items of all pip sections, options among them."""
        return tuple(
            Item((*path, j), line.text, pip_name(line.text))
            for path, section in self.pip_sections
            if isinstance(section, Sequence)
            for j, line in enumerate(section.items)
            if isinstance(line, Scalar)
        )

    def add_match_spec(self, text: str) -> None:
        """Put the match spec *text* in the place of those of its name, or after the others."""
        wanted = conda_name(text)
        found = [item for item in self.match_specs if item.name == wanted]
        if not self._replace(found, text):
            self._insert(self._end_of_specs(), text)

    def add_pip_requirement(self, text: str) -> None:
        """Put the pip requirement *text* in the place of those of its name, or after the others.

        Where there is no pip section yet one is made, and `pip` is asked for.
        """
        wanted = pip_name(text)
        found = [
            item
            for item in self.pip_lines
            if (item.name == wanted if wanted is not None else item.text.strip() == text)
        ]
        if not self._replace(found, text):
            if not (self.pip_sections or self._asks_for_pip):
                self._insert(len(self._items), "pip")
            self.insert_pip_line(text)
            self.changes.append(Change(action="added", after=text))
        self.ask_for_pip()

    def insert_pip_line(self, text: str, *, first: bool = False) -> None:
        """Add *text* as the *first* or the last line of the first pip section.

        The section is created if there is none.
        """
        if not self.pip_sections:
            section = {"pip": [text]}
            self.apply(InsertItem(path=(_DEPENDENCIES,), index=len(self._items), item=section))
            return
        path, node = self.pip_sections[0]
        length = len(node.items) if isinstance(node, Sequence) else 0
        self.apply(InsertItem(path=path, index=0 if first else length, item=text))

    def ask_for_pip(self) -> None:
        """Put `pip` before the first pip section, unless it is asked for."""
        sections = self.pip_sections
        if sections and not self._asks_for_pip:
            self._insert(int(sections[0][0][1]), "pip")

    def remove(self, items: Iterable[Item]) -> None:
        """Take *items* out; a pip section of which nothing is left goes too."""
        for item in sorted(items, key=lambda item: item.path, reverse=True):
            path = item.path
            if len(path) > 2 and len(self._section_at(path[:-1])) == 1:  # noqa: PLR2004  # in a section
                path = path[:2]
            self.apply(RemoveItem(path=path))
            self.changes.append(Change(action="removed", before=item.text))

    def _replace(self, found: list[Item], text: str) -> bool:
        """Put *text* in the place of the first item of *found*, and take the others out.

        A bare name takes nothing away from what is asked for already.
        """
        if not found:
            return False
        first, *others = found
        if _BARE.fullmatch(text) or first.text.strip() == text:
            self.changes.append(Change(action="kept", before=first.text, after=text))
            return True
        self.remove(others)
        self.apply(SetText(path=first.path, text=text))
        self.changes.append(Change(action="replaced", before=first.text, after=text))
        return True

    def _insert(self, index: int, text: str) -> None:
        self.apply(InsertItem(path=(_DEPENDENCIES,), index=index, item=text))
        self.changes.append(Change(action="added", after=text))

    def _end_of_specs(self) -> int:
        """Return where a new match spec belongs: behind the last one that isn't `pip`."""
        specs = self.match_specs
        others = [item for item in specs if item.name != "pip"]
        if others:
            return int(others[-1].path[1]) + 1
        return int(specs[0].path[1]) if specs else 0

    @property
    def _asks_for_pip(self) -> bool:
        return any(item.name == "pip" for item in self.match_specs)

    @property
    def _items(self) -> tuple[Node, ...]:
        node = _get(self._root, _DEPENDENCIES)
        return node.items if isinstance(node, Sequence) else ()

    @property
    def pip_sections(self) -> tuple[tuple[KeyPath, Node], ...]:
        """The path and the value of each pip section."""
        return tuple(
            ((_DEPENDENCIES, i, "pip"), value)
            for i, node in enumerate(self._items)
            if isinstance(node, Mapping)
            for key, value in node.entries
            if key.text == "pip"
        )

    def _section_at(self, path: KeyPath) -> tuple[Node, ...]:
        section = dict(self.pip_sections).get(path)
        return section.items if isinstance(section, Sequence) else ()

    def _parse(self) -> Mapping:
        root = parse_yaml(self.text, file=self.file)
        if not isinstance(root, Mapping):
            raise self._refuse(root, "a mapping with `dependencies` should be here")
        items = _get(root, _DEPENDENCIES)
        if items is None and {key.text for key, _ in root.entries} - set(KEYS):
            raise self._refuse(root, "this is no conda environment file")
        if items is not None and not (isinstance(items, Sequence) or is_null(items)):
            raise self._refuse(items, "a list should be here", _DEPENDENCIES)
        return root

    def apply(self, edit: Edit) -> None:
        """Apply *edit* to the text.

        Raises:
            DefinitionError: the text can't be edited in place there.
        """
        try:
            self.text = apply_edit(self.text, edit)
        except InPlaceError as error:
            message = f"this cannot be edited in place: {error}"
            finding = Finding(file=self.file, message=message, key_path=format_path(edit.path))
            raise DefinitionError.from_findings([finding]) from error
        self._root = self._parse()

    def _refuse(self, node: Node | None, message: str, path: str = "") -> DefinitionError:
        line = None if node is None else node.line
        return DefinitionError.from_findings(
            [Finding(file=self.file, message=message, key_path=path, line=line)]
        )


def conda_name(text: str) -> str | None:
    """Return the name that *text* is about: a match spec, or what was meant to be one."""
    try:
        return parse_match_spec(text).name
    except MatchSpecError:
        found = _MEANT.match(text.strip())
        return None if found is None else found[1].lower()


def pip_name(text: str) -> str | None:
    """Return the normalised name (PEP 503) that the pip line *text* begins with, if it does."""
    line, _ = split_options(strip_comment(text))
    if line.startswith("-") or is_direct(line):
        return None
    found = _NAME.match(line)
    return None if found is None else normalize_pip_name(found.group())


def format_path(path: KeyPath) -> str:
    """Return *path* as findings have it: `dependencies[3].pip[1]`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(
        "."
    )


def _get(root: Mapping, key: str) -> Node | None:
    return next((value for name, value in root.entries if name.text == key), None)
