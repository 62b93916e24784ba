"""The YAML of a lockfile as plain values, and the lines that they stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from envsync.errors import DefinitionError, Finding
from envsync.lock import block_yaml
from envsync.lock.entry_faults import REPAIR
from envsync.model.text.redaction import quote

if TYPE_CHECKING:
    from envsync import yamlio
    from envsync.lock.block_yaml import Node

KeyPath: TypeAlias = "tuple[str | int, ...]"

_LONGEST = 4 << 20  # characters of YAML in another style, which a library needs seconds for
_MOST_NODES = 300_000


class LockYaml:
    """What stands in *text*; *file* is its name in findings.

    Every scalar is text as the file spells it, and empty where it is null.

    Raises:
        DefinitionError: *text* is not YAML, or more of it than a lockfile needs.
    """

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self._text = text
        self._is_foreign = False  # written as conda-lock would not write it
        self._nodes: yamlio.Node | None = None
        self._block: tuple[Node, block_yaml.Places] | None = None
        self.root: Node = self._parse()

    def find_line(self, path: KeyPath) -> int | None:
        """Return the line of what *path* leads to, or of the last on the way that is there."""
        return self._find_in_nodes(path) if self._is_foreign else self._find_in_block(path)

    def _parse(self) -> Node:
        try:
            return block_yaml.parse(self._text)
        except block_yaml.DuplicateKey as error:
            raise DefinitionError.from_findings(
                [
                    Finding(
                        file=self.file,
                        line=error.line,
                        message=f"{quote(error.key)} is there twice",
                        hint="keep one of the two",
                    )
                ]
            ) from error
        except block_yaml.NotBlockYaml as error:
            return self._ask_library(error.line)
        except RecursionError:
            return self._ask_library(1)

    def _ask_library(self, line: int) -> Node:
        from envsync import yamlio  # noqa: PLC0415  # what envsync writes never needs it

        self._is_foreign = True
        if len(self._text) > _LONGEST:
            message = "a lockfile of this size is read only as conda-lock writes it"
            raise DefinitionError.from_findings(
                [Finding(file=self.file, line=line, message=message, hint=REPAIR)]
            )
        limits = yamlio.Limits(longest_text=_LONGEST, most_nodes=_MOST_NODES)
        self._nodes = yamlio.parse_yaml(self._text, file=self.file, limits=limits)
        return _keep_text(self._nodes) if self._nodes is not None else ""

    def _find_in_block(self, path: KeyPath) -> int | None:
        if self._block is None:
            places: block_yaml.Places = {}
            self._block = (block_yaml.parse(self._text, places), places)
        (node, found), line = self._block, 1
        for key in path:
            here = found.get(id(node), {})
            if key not in here or isinstance(node, str):
                break
            line, node = here[key], node[key]  # type: ignore[index]  # a dict has no other keys
        return line

    def _find_in_nodes(self, path: KeyPath) -> int | None:
        from envsync import yamlio  # noqa: PLC0415  # loaded by now

        node, line = self._nodes, None
        places: dict[str | int, tuple[int | None, yamlio.Node]]
        for key in path:
            if isinstance(node, yamlio.Mapping):
                places = {each.text: (each.line, value) for each, value in node.entries}
            elif isinstance(node, yamlio.Sequence):
                places = {index: (each.line, each) for index, each in enumerate(node.items)}
            else:
                break
            if key not in places:
                break
            line, node = places[key]
        return line


def _keep_text(node: yamlio.Node) -> Node:
    """Return a YAML library's *node* with its scalars as the file spells them."""
    from envsync import yamlio  # noqa: PLC0415  # loaded by now

    if isinstance(node, yamlio.Mapping):
        return {key.text: _keep_text(value) for key, value in node.entries}
    if isinstance(node, yamlio.Sequence):
        return [_keep_text(item) for item in node.items]
    return "" if yamlio.is_null(node) else node.text
