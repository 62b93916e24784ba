"""The packages of a prefix, read from its own records as locked packages."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from envsync.errors import EnvsyncError
from envsync.files import read_regular
from envsync.model.lockfile import LockedPackage
from envsync.model.pip_name import normalize_pip_name
from envsync.package.pip_record import read_metadata_file
from envsync.package.witnesses import find_site_packages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_HEADER = re.compile(r"^(Name|Version):[ \t]*(\S+)[ \t]*\r?$", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z0-9_.+!*~=-]{0,128}")  # of a name, a version or a build
_LONGEST = 4096  # characters of a path or a requirement
_LARGEST = 64 << 20  # bytes: a record lists each file of its package
_DAMAGED = "the environment is damaged: create it again"
_DIST_INFO = re.compile(r"site-packages/([^/]+)\.dist-info/")


def list_installed(prefix: Path, subdir: str) -> tuple[LockedPackage, ...]:
    """Return the packages of *prefix*, conda's and then pip's, each sorted by name.

    A pip package has no address, as its metadata has none.
    """
    records = read_records(prefix)
    return (
        *(_from_record(record, subdir) for record in records),
        *_list_pip(find_pip_metadata(prefix, records), subdir),
    )


def read_records(prefix: Path) -> tuple[dict[str, Any], ...]:
    """Return conda's records of the packages in *prefix*, sorted by file name.

    Raises:
        EnvsyncError: *prefix* is not a conda environment, or a record can't be read.
    """
    if not (prefix / "conda-meta").is_dir():
        raise EnvsyncError(f"`{prefix}` is not a conda environment")
    return tuple(_read_record(path) for path in sorted((prefix / "conda-meta").glob("*.json")))


def find_pip_metadata(prefix: Path, records: Iterable[dict[str, Any]]) -> tuple[Path, ...]:
    """Return the metadata folders of Python packages in *prefix* that are in none of *records*."""
    of_conda = {
        match[1]
        for record in records
        for file in record.get("files") or ()
        if (match := _DIST_INFO.search(str(file)))
    }
    return tuple(
        folder
        for site_packages in find_site_packages(prefix)
        for folder in sorted(site_packages.glob("*.dist-info"))
        if folder.name.removesuffix(".dist-info") not in of_conda
    )


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(read_regular(path, most=_LARGEST))
    except (OSError, ValueError, RecursionError) as error:
        message = f"`{path}` is not a record of a package: {error}"
        raise EnvsyncError(message, hint=_DAMAGED) from error
    if not isinstance(record, dict) or not _is_record(record):
        raise EnvsyncError(f"`{path}` is not a record of a package", hint=_DAMAGED)
    return record


def _is_record(record: dict[str, Any]) -> bool:
    words, texts = ("name", "version", "build"), ("url", "md5", "sha256")
    lists = ("files", "depends")
    return (
        bool(record.get("name"))
        and all(_WORD.fullmatch(str(record.get(key) or "")) for key in words)
        and all(isinstance(record.get(key) or "", str) for key in (*words, *texts))
        and all(_is_texts(record.get(key) or []) for key in lists)
    )


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, str) and len(item) <= _LONGEST for item in value
    )


def _from_record(record: dict[str, Any], subdir: str) -> LockedPackage:
    return LockedPackage(
        name=str(record["name"]),
        version=str(record.get("version", "")),
        manager="conda",
        subdir=subdir,
        url=str(record.get("url", "")),
        md5=record.get("md5"),
        sha256=record.get("sha256"),
        build=str(record.get("build", "")),
        dependencies=tuple(
            sorted(
                (name, requirement)
                for text in record.get("depends") or ()
                for name, _, requirement in [str(text).partition(" ")]
            )
        ),
    )


def _list_pip(folders: Iterable[Path], subdir: str) -> Iterator[LockedPackage]:
    for folder in folders:
        name, version = read_metadata(folder)
        if version:
            yield LockedPackage(
                name=name,
                version=version,
                manager="pip",
                subdir=subdir,
                url="",
            )


def read_metadata(folder: Path) -> tuple[str, str]:
    """Return the name and version from the METADATA in *folder*, empty if it has none.

    The name is normalized.
    """
    try:
        text = read_metadata_file(folder, "METADATA").decode("utf-8", errors="replace")
    except OSError:
        return "", ""
    headers = dict(_HEADER.findall(text.replace("\r\n", "\n").partition("\n\n")[0]))
    if not {"Name", "Version"} <= headers.keys():
        return "", ""
    return normalize_pip_name(headers["Name"]), headers["Version"]
