from __future__ import annotations

from typing import TYPE_CHECKING

from support.fakes import conda_package, pip_package

from envsync.lock.deviation import find_deviations

if TYPE_CHECKING:
    from envsync.model.lockfile import LockedPackage


def _is_newer(package: LockedPackage, other: LockedPackage) -> bool:
    return package.version > other.version


def _tell(locked: list[LockedPackage], found: list[LockedPackage]) -> list[tuple[str, str]]:
    changes = find_deviations(
        locked, found, is_newer=lambda one, other: one.version > other.version
    )
    return [(change.kind, change.name) for change in changes]


def test_packages_of_the_lock_deviate_in_nothing() -> None:
    packages = [conda_package("python"), pip_package("six")]

    assert _tell(packages, packages[::-1]) == []


def test_each_way_to_deviate_has_its_word() -> None:
    locked = [
        conda_package(name) for name in ("gone", "up", "down", "rebuilt", "moved", "rehashed")
    ]
    found = [
        conda_package("new"),
        conda_package("up", "2.0"),
        conda_package("down", "0.1"),
        conda_package("rebuilt", build="1"),
        conda_package("moved", url="https://elsewhere.example.org/linux-64/moved-1.0-0.conda"),
        conda_package("rehashed", sha256="3" * 64),
    ]

    assert _tell(locked, found) == [
        ("down", "down"),
        ("removed", "gone"),
        ("moved", "moved"),
        ("added", "new"),
        ("rebuilt", "rebuilt"),
        ("rehashed", "rehashed"),
        ("up", "up"),
    ]


def test_what_pip_put_over_a_package_of_condas_was_added() -> None:
    locked = [conda_package("numpy", "1.26")]

    assert _tell(locked, [*locked, pip_package("numpy", "2.0")]) == [("added", "numpy")]


def test_a_pip_package_is_the_same_however_it_is_spelled() -> None:
    locked = [pip_package("ruamel.yaml", "0.18.0"), pip_package("pytz", "2024.1")]
    found = [pip_package("Ruamel_Yaml", "0.18", url=""), pip_package("pytz", "2024.01", url="")]

    assert _tell(locked, found) == []
    assert _tell(locked, found[:1]) == [("removed", "pytz")]


def test_versions_that_no_index_would_take_are_compared_as_they_are() -> None:
    assert _tell([pip_package("x", "dev-1")], [pip_package("x", "dev-1")]) == []
    assert _tell([pip_package("x", "dev-1")], [pip_package("x", "dev-2")]) == [("up", "x")]
