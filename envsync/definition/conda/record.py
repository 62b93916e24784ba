"""The records that conda keeps of what it installed: `conda-meta/*.json`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from envsync.definition.reading.report import Report
from envsync.model.pip_name import normalize_pip_name

if TYPE_CHECKING:
    from pathlib import Path

META = "conda-meta"
# A record lists each file of its package, so it may be larger than any file of a definition.
LARGEST_RECORD = 32 * 1024 * 1024
# As CEP 26 has them; a definition asks for both in one match spec.
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+!-]*")
_DIST_INFO = re.compile(r"(?:^|[/\\])site-packages[/\\]([^/\\]+)\.(?:dist|egg)-info(?:[/\\]|$)")


@dataclass(frozen=True, kw_only=True, slots=True)
class CondaRecord:
    """What one record says; *dist_infos* are the metadata folders of Python that it brought."""

    name: str
    version: str
    channel: str = ""
    subdir: str = ""
    requested_spec: str | None = None
    needs: tuple[str, ...] = ()
    dist_infos: frozenset[str] = frozenset()

    @property
    def pypi_name(self) -> str:
        """The name of the Python distribution in it, else its own."""
        name = min(self.dist_infos).partition("-")[0] if self.dist_infos else self.name
        return normalize_pip_name(name)


def read_records(prefix: Path, report: Report) -> tuple[CondaRecord, ...]:
    """Return the records of *prefix*, sorted by name; broken ones go to *report*."""
    records = []
    for path in sorted((prefix / META).glob("*.json")):
        content = read_prefix_file(path, report)
        if content is None:
            continue
        record = _parse(content)
        if record is None:
            _report_broken(path, report)
        else:
            records.append(record)
    return tuple(sorted(records, key=lambda record: record.name))


def read_prefix_file(path: Path, report: Report) -> bytes | None:
    """Return the content of *path*, a regular file of bearable size; None goes with a finding."""
    try:
        if path.is_file() and path.stat().st_size <= LARGEST_RECORD:
            return path.read_bytes()
        reason = "it is larger than a record can be" if path.is_file() else "it is no file"
    except OSError as error:
        reason = error.strerror or str(error)
    own = Report(str(path))
    own.error("", f"cannot be read: {reason}", rule="missing")
    report.errors += own.errors
    return None


def _parse(content: bytes) -> CondaRecord | None:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not _is_text(value.get("name"), value.get("version")):
        return None
    if not _NAME.fullmatch(value["name"]) or not _VERSION.fullmatch(value["version"]):
        return None
    channel, subdir = value.get("channel"), value.get("subdir")
    return CondaRecord(
        name=value["name"],
        version=value["version"],
        channel=channel if isinstance(channel, str) else "",
        subdir=subdir if isinstance(subdir, str) else "",
        requested_spec=_find_requested(value),
        needs=tuple(
            re.split(r"[\s=<>!~\[]", text, maxsplit=1)[0] for text in _texts(value, "depends")
        ),
        dist_infos=frozenset(
            match[1] for text in _texts(value, "files") if (match := _DIST_INFO.search(text))
        ),
    )


def _find_requested(value: dict[str, Any]) -> str | None:
    """Return what was asked for; newer programs write a list, older ones one text."""
    several = _texts(value, "requested_specs")
    one = value.get("requested_spec")
    if several:
        return several[-1]
    return one if isinstance(one, str) and one not in {"", "None"} else None


def _texts(value: dict[str, Any], key: str) -> list[str]:
    items = value.get(key)
    return [item for item in items if isinstance(item, str)] if isinstance(items, list) else []


def _is_text(*values: object) -> bool:
    return all(isinstance(value, str) and value for value in values)


def _report_broken(path: Path, report: Report) -> None:
    own = Report(str(path))
    own.error("", "this is no record of a package", hint="reinstall the package")
    report.errors += own.errors
