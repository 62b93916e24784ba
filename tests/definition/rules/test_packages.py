from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envsync.definition.rules.packages import (
    check_builds_are_free,
    check_packages_are_on_their_side,
    check_packages_are_there_once,
    check_sides_do_not_overlap,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = "conda_dependencies.yml"


def conda(*items: str, pip: tuple[str, ...] = (), channels: str = "[conda-forge]") -> str:
    lines = [f"channels: {channels}", "dependencies:", *(f"- {item}" for item in items)]
    return "\n".join([*lines, "- pip:", *(f"  - {line}" for line in pip)]) + "\n"


def test_package_that_is_there_twice_is_found(look: Callable[..., list[str]]) -> None:
    text = conda("a=1", "b", "A=1", "b>=2", pip=("c_d==1", "e", "C-d==1", "e<2"))

    assert look(check_packages_are_there_once, conda=text) == [
        (
            f"warning duplicate-package {FILE}:5:3: dependencies[2]: "
            "`a=1` above and `A=1` must both hold"
        ),
        (
            f"warning duplicate-package {FILE}:6:3: dependencies[3]: "
            "`b` above and `b>=2` must both hold"
        ),
        (
            f"warning duplicate-package {FILE}:10:5: dependencies[4].pip[2]: "
            "`c_d==1` above and `C-d==1` must both hold"
        ),
        (
            f"warning duplicate-package {FILE}:11:5: dependencies[4].pip[3]: "
            "`e` above and `e<2` must both hold"
        ),
    ]


def test_same_text_twice_can_be_mended(look: Callable[..., list[str]]) -> None:
    assert look(check_packages_are_there_once, conda=conda("a=1", "a=1", pip=("b", "b"))) == [
        f"warning duplicate-package {FILE}:4:3: dependencies[1]: `a=1` is there above (remove it)",
        (
            f"warning duplicate-package {FILE}:7:5: dependencies[2].pip[1]: "
            "`b` is there above (remove it)"
        ),
    ]


def test_markers_and_second_pythons_are_not_this_rule_s_business(
    look: Callable[..., list[str]],
) -> None:
    text = conda("python=3.8", "python=3.9", pip=("a; sys_platform=='linux'", "a; os_name=='nt'"))

    assert look(check_packages_are_there_once, conda=text) == []


def test_package_on_both_sides_is_found(look: Callable[..., list[str]]) -> None:
    text = conda("pip", "NumPy=1.26", pip=("numpy==1.26.4", "pip", "pandas"))

    assert look(check_sides_do_not_overlap, conda=text) == [
        (
            f"warning conda-and-pip {FILE}:6:5: dependencies[2].pip[0]: "
            "conda is asked for `numpy` too, as `NumPy=1.26`"
        )
    ]


def test_package_on_the_wrong_side_is_found(look: Callable[..., list[str]]) -> None:
    text = conda("azureml-core=1.48", pip=("python==3.8", "cudatoolkit", "conda @ file:///c"))

    assert look(check_packages_are_on_their_side, conda=text) == [
        (
            f"warning misplaced-package {FILE}:5:5: dependencies[1].pip[0]: "
            "pip cannot install `python`, which is a conda package"
        ),
        (
            f"warning misplaced-package {FILE}:6:5: dependencies[1].pip[1]: "
            "pip cannot install `cudatoolkit`, which is a conda package"
        ),
        (
            f"warning misplaced-package {FILE}:3:3: dependencies[0]: "
            "packages of Azure ML, such as `azureml-core`, are published for pip"
        ),
    ]


@pytest.mark.parametrize(
    "text",
    [
        conda("azureml-core", channels="[conda-forge, acme]"),
        conda("acme::azureml-core"),
        conda("numpy", "-r x"),
    ],
)
def test_package_that_a_channel_may_have_is_fine(look: Callable[..., list[str]], text: str) -> None:
    assert look(check_packages_are_on_their_side, conda=text) == []


def test_builds_that_are_pinned_are_counted(look: Callable[..., list[str]]) -> None:
    text = conda("a=1=py38_0", "b=1=h1234567_12", "c", "d=1=*_cpu", "e=1=mkl")

    assert look(check_builds_are_free, conda=text) == [
        (
            f"note pinned-builds {FILE}:3:3: dependencies[0]: "
            "`a=1=py38_0` and 1 more pin a build, which other subdirs lack"
        )
    ]
    assert look(check_builds_are_free, conda=conda("a=1=0")) == [
        (
            f"note pinned-builds {FILE}:3:3: dependencies[0]: "
            "`a=1=0` pins a build, which other subdirs lack"
        )
    ]


@pytest.mark.parametrize(
    "rule",
    [
        check_builds_are_free,
        check_packages_are_on_their_side,
        check_packages_are_there_once,
        check_sides_do_not_overlap,
    ],
)
def test_definition_without_conda_side_is_fine(
    look: Callable[..., list[str]], rule: Callable[..., object]
) -> None:
    assert look(rule) == []
