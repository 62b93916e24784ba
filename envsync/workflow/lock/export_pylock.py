"""The pip packages of a lock as one `pylock.toml`, for every machine that is locked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from envsync.errors import EnvsyncError, Finding
from envsync.lock.formats.pylock import (
    PylockEntry,
    PylockHead,
    dump_entries,
    is_from_index,
    is_wheel,
)
from envsync.solve.facts import find_glibc, parse_facts
from envsync.solve.python_target import PythonTarget, write_marker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from envsync.lock.formats.pylock import IndexedFile
    from envsync.model.lockfile import LockedPackage, Lockfile


class FileIndex(Protocol):
    """Knows every file of a package."""

    def list_files(
        self, packages: Sequence[LockedPackage], target: PythonTarget
    ) -> Mapping[str, tuple[IndexedFile, ...]]:
        """Return the files of each of *packages*, by name, that will do for *target*.

        Raises:
            EnvsyncError: it can't be asked, or no longer has a package.
        """


def export_pylock(
    lockfile: Lockfile, subdirs: Sequence[str], index: FileIndex, *, file: str
) -> tuple[str, tuple[Finding, ...]]:
    """Return the pip packages that *lockfile* has for *subdirs* as a `pylock.toml`.

    A lock holds one file of each package, the one that it chose. *index* is asked for the others
    of the same version; where it can't be, or what it has contradicts the lock, the file that is
    locked is the only one, and a warning says so. *file* is the name of the lock.
    """
    entries: list[PylockEntry] = []
    warnings: list[str] = []
    targets = [_find_target(lockfile, subdir) for subdir in subdirs]
    for target in targets:
        packages = [it for it in lockfile.packages_for(target.subdir) if it.manager == "pip"]
        files = _ask(index, packages, target, warnings)
        for package in packages:
            found = _check(package, files.get(package.name, ()), warnings)
            entries.append(
                PylockEntry(package=package, files=found, marker=write_marker(target.subdir))
            )
    minors = {target.minor for target in targets}
    head = PylockHead(
        environments=tuple(write_marker(target.subdir) for target in targets),
        requires_python=f"=={minors.pop()}.*" if len(minors) == 1 else "",
    )
    findings = tuple(Finding(file=file, message=text) for text in dict.fromkeys(warnings))
    return dump_entries(_merge(entries, len(targets)), head), findings


def _find_target(lockfile: Lockfile, subdir: str) -> PythonTarget:
    packages = lockfile.packages_for(subdir)
    python = next((each.version for each in packages if each.name == "python"), "3.11")
    facts = parse_facts(dict(lockfile.custom_metadata), subdir)
    return PythonTarget(version=python, subdir=subdir, glibc=find_glibc(facts))


def _ask(
    index: FileIndex, packages: Iterable[LockedPackage], target: PythonTarget, warnings: list[str]
) -> Mapping[str, tuple[IndexedFile, ...]]:
    asked = [package for package in packages if is_from_index(package.url)]
    if not asked:
        return {}
    try:
        return index.list_files(asked, target)
    except EnvsyncError as error:
        warnings.append(f"has one file of each package, as no index can be asked: {error.message}")
        return {}


def _check(
    package: LockedPackage, files: tuple[IndexedFile, ...], warnings: list[str]
) -> tuple[IndexedFile, ...]:
    """Return *files* if the one that is locked is among them; beside source code no wheels."""
    if not files or any(file.sha256 == package.sha256 for file in files):
        return tuple(it for it in files if is_wheel(package.url) or not is_wheel(it.url))
    if is_from_index(package.url):
        warnings.append(
            f"`{package}` is no longer on the index as it was locked; "
            "the file that is locked is the only one"
        )
    return ()


def _merge(entries: Sequence[PylockEntry], count: int) -> Iterator[PylockEntry]:
    """Yield *entries* by name; what is the same for all *count* subdirs is one without a marker."""
    by_content: dict[tuple[str, str, str], list[PylockEntry]] = {}
    for entry in sorted(entries, key=lambda each: each.package.name):
        package = entry.package
        place = "" if is_from_index(package.url) else package.url
        by_content.setdefault((package.name, package.version, place), []).append(entry)
    for same in by_content.values():
        files = dict.fromkeys(file for entry in same for file in _files_of(entry))
        markers = [entry.marker for entry in same]
        yield PylockEntry(
            package=same[0].package,
            files=tuple(sorted(files, key=lambda each: each.url.rpartition("/")[2])),
            marker="" if len(same) == count else " or ".join(f"({text})" for text in markers),
        )


def _files_of(entry: PylockEntry) -> tuple[IndexedFile, ...]:
    return entry.files or (entry.own_file,)
