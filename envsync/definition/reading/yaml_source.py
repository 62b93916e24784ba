"""A YAML file opened and parsed once, for whichever reader it turns out to need."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envsync.definition.reading.report import Report
from envsync.definition.reading.source_file import read_source
from envsync.errors import DefinitionError
from envsync.model.text.redaction import quote
from envsync.yamlio import Mapping, parse_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.yamlio import Node

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


@dataclass(frozen=True, kw_only=True, slots=True)
class YamlSource:
    """The file *path*, its text, and its root value, None where there is nothing in it."""

    path: Path
    report: Report
    text: str = field(repr=False)
    root: Node | None = field(repr=False)

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the mapping at the top, if there is one."""
        if not isinstance(self.root, Mapping):
            return frozenset()
        return frozenset(key.text for key, _ in self.root.entries)


def open_yaml(path: Path) -> YamlSource:
    """Return *path* read and parsed.

    Raises:
        DefinitionError: it can't be read, or is not YAML.
    """
    report = Report(str(path))
    text = read_source(path, report)
    return YamlSource(path=path, report=report, text=text, root=parse_yaml(text, file=report.file))


def resolve_inside(
    directory: Path, name: str, report: Report, key_path: str, *, at: Node | None = None
) -> Path | None:
    """Return the file *name* below *directory*; one that lies elsewhere is refused, unread.

    It is named under *key_path*, *at* that place.
    """
    if _ADDRESS.match(name):
        message = f"{quote(name)} is an address, from which nothing is fetched"
        report.error(
            key_path, message, hint="save the file beside the definition", at=at, rule="missing"
        )
        return None
    path = directory / name
    try:
        is_inside = path.resolve().is_relative_to(directory.resolve())
    except (OSError, RuntimeError, ValueError):
        is_inside = False
    if is_inside:
        return path
    message = f"{quote(name)} lies outside the definition's directory, and is not read"
    report.error(key_path, message, hint="put a copy beside the definition", at=at, rule="missing")
    return None


def finish(*reports: Report) -> DefinitionError | None:
    """Return the error that the findings in *reports* make, None where there is no error."""
    errors = [finding for report in reports for finding in report.errors]
    return DefinitionError.from_findings(errors) if errors else None
