"""What an index has to say of the packages of a lock, and what becomes of it in a pylock."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.pylock import Pylock
from support.fakes import conda_package, pip_package

from envsync.errors import EnvsyncError
from envsync.lock.formats.pylock import IndexedFile
from envsync.model.lockfile import LockedPackage, Lockfile
from envsync.workflow.lock.export_pylock import export_pylock

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envsync.solve.python_target import PythonTarget

HOST = "https://files.example.org"
WHEEL = f"{HOST}/six-1.0-py3-none-any.whl"
SDIST = IndexedFile(url=f"{HOST}/six-1.0.tar.gz", sha256="3" * 64)


@dataclass
class Index:
    """An index in memory: *files* by package, or a *fault*."""

    files: dict[str, tuple[IndexedFile, ...]] = field(default_factory=dict)
    fault: str | None = None

    def list_files(
        self, packages: Sequence[LockedPackage], target: PythonTarget
    ) -> dict[str, tuple[IndexedFile, ...]]:
        del target
        if self.fault is not None:
            raise EnvsyncError(self.fault)
        return {package.name: self.files.get(package.name, ()) for package in packages}


def lock_of(*packages: LockedPackage) -> Lockfile:
    subdirs = tuple(dict.fromkeys(package.subdir for package in packages))
    pythons = (conda_package("python", "3.11.9", subdir=subdir) for subdir in subdirs)
    return Lockfile(
        subdirs=subdirs,
        channels=(),
        sources=(),
        content_hash=(),
        packages=(*pythons, *packages),
    )


def export(index: Index, *packages: LockedPackage) -> tuple[Pylock, list[str]]:
    lockfile = lock_of(*packages)
    text, findings = export_pylock(lockfile, lockfile.subdirs, index, file="lock")
    lock = Pylock.from_dict(tomllib.loads(text))
    lock.validate()
    return lock, [finding.message for finding in findings]


def test_files_beside_the_locked_one_are_taken_where_it_is_among_them() -> None:
    six = pip_package("six", url=WHEEL)
    own = IndexedFile(url=WHEEL, sha256="2" * 64)

    lock, warnings = export(Index({"six": (SDIST, own)}), six)

    assert warnings == []
    (package,) = lock.packages
    assert package.sdist is not None
    assert package.sdist.hashes == {"sha256": "3" * 64}


def test_an_index_that_no_longer_has_the_locked_file_is_not_believed() -> None:
    lock, warnings = export(Index({"six": (SDIST,)}), pip_package("six", url=WHEEL))

    assert warnings == [
        (
            "`six 1.0` is no longer on the index as it was locked; "
            "the file that is locked is the only one"
        )
    ]
    (package,) = lock.packages
    assert package.sdist is None
    assert package.wheels is not None
    assert package.wheels[0].hashes == {"sha256": "2" * 64}


def test_an_index_that_cannot_be_asked_is_said_once() -> None:
    packages = [
        pip_package("six", url=WHEEL, subdir=subdir) for subdir in ("linux-64", "osx-arm64")
    ]

    lock, warnings = export(Index(fault="no network"), *packages)

    assert warnings == ["has one file of each package, as no index can be asked: no network"]
    assert len(lock.packages) == 1


def test_beside_locked_source_code_there_are_no_wheels() -> None:
    six = pip_package("six", url=SDIST.url)
    own = IndexedFile(url=SDIST.url, sha256="2" * 64)
    wheel = IndexedFile(url=WHEEL, sha256="4" * 64)

    lock, _ = export(Index({"six": (own, wheel)}), six)

    assert lock.packages[0].wheels is None


def test_what_differs_between_machines_has_a_marker_for_each() -> None:
    lock, _ = export(
        Index(),
        pip_package("six", "1.0", url=WHEEL),
        pip_package("six", "2.0", url=f"{HOST}/six-2.0-py3-none-any.whl", subdir="win-64"),
        pip_package("only", url=f"{HOST}/only-1.0-py3-none-any.whl", subdir="win-64"),
    )

    assert [(each.name, str(each.version), str(each.marker)) for each in lock.packages] == [
        (
            "only",
            "1.0",
            'sys_platform == "win32" and platform_machine == "AMD64"',
        ),
        (
            "six",
            "1.0",
            'sys_platform == "linux" and platform_machine == "x86_64"',
        ),
        (
            "six",
            "2.0",
            'sys_platform == "win32" and platform_machine == "AMD64"',
        ),
    ]
