from __future__ import annotations

import pytest

from envsync.solve.pip_dependencies import find_dependencies
from envsync.solve.python_target import describe_environment

LINUX = describe_environment("3.11.9", "linux-64")


def find(
    requires: dict[str, tuple[str, ...]],
    extras: dict[str, tuple[str, ...]] | None = None,
    provided: tuple[str, ...] = (),
) -> dict[str, dict[str, str]]:
    found = find_dependencies(requires, extras or {}, provided=provided, environment=LINUX)
    return {name: dict(needs) for name, needs in found.items()}


def test_packages_name_what_they_need_with_its_versions() -> None:
    assert find({"a": ("B_c >=1, <2",), "b-c": ()}) == {"a": {"b-c": "<2,>=1"}, "b-c": {}}


def test_what_has_no_version_is_marked_as_conda_lock_does() -> None:
    assert find({"a": ("b",), "b": ()})["a"] == {"b": "*"}


def test_what_conda_provides_counts_and_what_nobody_has_does_not() -> None:
    requires = {"a": ("numpy>=1", "absent")}

    assert find(requires, provided=("numpy",)) == {"a": {"numpy": ">=1"}}


@pytest.mark.parametrize(
    ("marker", "needs"),
    [
        ("sys_platform == 'linux'", {"b": "*"}),
        ("sys_platform == 'win32'", {}),
        ("python_version < '3.8'", {}),
        ("extra == 'x'", {}),
    ],
)
def test_only_requirements_of_the_target_count(marker: str, needs: dict[str, str]) -> None:
    assert find({"a": (f"b ; {marker}",), "b": ()})["a"] == needs


def test_an_extra_counts_where_it_is_asked_for() -> None:
    requires = {"a": ("b ; extra == 'my-x'",), "b": ()}

    assert find(requires, {"a": ("my_x",)})["a"] == {"b": "*"}


def test_an_extra_may_be_asked_for_by_another_package_or_by_its_own() -> None:
    requires = {
        "top": ("a[all]>=1",),
        "a": ("a[x] ; extra == 'all'", "b ; extra == 'x'"),
        "b": (),
    }

    assert find(requires) == {"top": {"a": ">=1"}, "a": {"b": "*"}, "b": {}}


def test_requirements_in_several_lines_are_all_kept() -> None:
    assert find({"a": ("b>=1", "b<3 ; sys_platform == 'linux'"), "b": ()})["a"] == {"b": "<3,>=1"}


def test_what_is_no_requirement_is_passed_over() -> None:
    assert find({"a": ("b (>=1", "!", "b>=2"), "b": ()})["a"] == {"b": ">=2"}
