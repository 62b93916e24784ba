from __future__ import annotations

from dataclasses import replace

import pytest
from support.fakes import conda_package, pip_package

from envsync.image.packages.recipe import write_recipes
from envsync.package.python import find_python_folder, is_noarch

_NOARCH = "https://conda.example.org/forge/noarch/six-1.0-0.conda"
PYTHON = conda_package("python", "3.11.7", build="h1_0_cpython")


@pytest.mark.parametrize(
    ("version", "build", "folder"),
    [
        ("3.11.7", "h1_0_cpython", "python3.11"),
        ("3.9.0", "0", "python3.9"),
        ("3.13.1", "h1_0_cp313t", "python3.13t"),
        ("3.13.1", "h1_0_cp313", "python3.13"),
    ],
)
def test_a_python_has_its_folder(version: str, build: str, folder: str) -> None:
    assert find_python_folder([conda_package("python", version, build=build)]) == folder


def test_without_a_python_there_is_no_folder() -> None:
    assert find_python_folder([conda_package("zlib"), pip_package("python")]) == ""


def test_only_what_goes_below_python_depends_on_which_it_is() -> None:
    packages = [PYTHON, conda_package("zlib"), conda_package("six", url=_NOARCH), pip_package("x")]
    newer = [conda_package("python", "3.12.0"), *packages[1:]]
    before = write_recipes(packages, prefix="/env", requested={})
    after = write_recipes(newer, prefix="/env", requested={})

    assert [is_noarch(package) for package in packages] == [False, False, True, False]
    assert [one.key == other.key for one, other in zip(before, after, strict=True)] == [
        False,
        True,
        False,
        False,
    ]


def test_whatever_decides_a_layers_bytes_is_part_of_its_key() -> None:
    (recipe,) = write_recipes([conda_package("six")], prefix="/env", requested={})
    others = (
        replace(recipe, prefix="/other"),
        replace(recipe, requested="six>=1"),
        replace(recipe, package=conda_package("six", sha256="3" * 64)),
        replace(recipe, package=conda_package("six", dependencies=(("python", ""),))),
    )

    assert len({recipe.key, *(other.key for other in others)}) == 5
    assert recipe.title == "conda six 1.0 0"


def test_what_was_asked_for_is_noted_of_conda_packages_alone() -> None:
    packages = [conda_package("six"), pip_package("idna")]
    recipes = write_recipes(packages, prefix="/env", requested={"six": "six=1", "idna": "idna"})

    assert [recipe.requested for recipe in recipes] == ["six=1", ""]
