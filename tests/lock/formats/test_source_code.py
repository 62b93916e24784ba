from __future__ import annotations

from dataclasses import replace

import pytest
from support.fakes import conda_package, pip_package

from envsync.lock.formats.source_code import drop_moved, dump_build_requires, find_builds

COMMIT = "0" * 40
SDIST = replace(
    pip_package("old", url="https://index.example.org/old-1.0.tar.gz"),
    build_requires=("setuptools>=40.8.0", "wheel"),
)
REPOSITORY = pip_package("thing", url=f"git+https://h/thing.git@{COMMIT}")


def test_what_building_needs_is_noted_by_package() -> None:
    packages = (conda_package("python"), pip_package("six"), SDIST, REPOSITORY)

    assert dump_build_requires(packages) == (
        ("envsync.build-requires", '{"old": ["setuptools>=40.8.0", "wheel"]}'),
    )


def test_a_lock_of_wheels_notes_nothing() -> None:
    assert dump_build_requires((conda_package("python"), pip_package("six"))) == ()


def test_source_code_is_warned_of_once_for_all_subdirs() -> None:
    again = replace(SDIST, subdir="osx-arm64")

    found = find_builds((conda_package("python"), SDIST, again, REPOSITORY), file="lock")

    assert [finding.message for finding in found] == [
        (
            "old 1.0 is source code, which is run to build it wherever it is installed "
            "(with `setuptools>=40.8.0`, `wheel`)"
        ),
        "thing 1.0 is source code, which is run to build it wherever it is installed",
    ]


@pytest.mark.parametrize(
    ("now", "kept"),
    [
        (("thing @ git+https://h/thing.git@main", "six"), True),
        (("thing @ git+https://h/thing.git@v2",), False),
        (("six>=2",), True),
    ],
)
def test_a_repository_is_kept_while_the_same_is_asked_of_it(
    now: tuple[str, ...], *, kept: bool
) -> None:
    then = ("thing @ git+https://h/thing.git@main",)

    assert (REPOSITORY in drop_moved((SDIST, REPOSITORY), then, now)) is kept
    assert SDIST in drop_moved((SDIST, REPOSITORY), then, now)
