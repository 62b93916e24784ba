from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envsync.definition.rules.python import (
    check_python_age,
    check_python_is_pinned,
    check_python_survives_sdk,
)

if TYPE_CHECKING:
    from collections.abc import Callable

AT = "conda_dependencies.yml:2:3: dependencies[0]:"
SDK = "`from_conda_specification` of the Azure ML SDK turns"


def conda(*items: str) -> str:
    return "dependencies:\n" + "".join(f"- {item}\n" for item in items)


@pytest.mark.parametrize(
    "spec", ["python", "python=3", "python>=3.8", "python ~=3.8", "python!=3.9", "python[build=a]"]
)
def test_python_that_floats_is_found(look: Callable[..., list[str]], spec: str) -> None:
    assert look(check_python_is_pinned, conda=conda(f"'{spec}'")) == [
        f"warning unpinned-python {AT} `{spec}` takes whichever Python is newest"
    ]


@pytest.mark.parametrize(
    "spec",
    [
        *("python=3.8", "python==3.8.13", "python 3.8.*", "python~=3.8.1", "python>=3.8,<3.12"),
        *("conda-forge::python=3.10.1=h1_0", "python[version='3.8.*']", "numpy", "-r x"),
    ],
)
def test_python_that_is_pinned_is_fine(look: Callable[..., list[str]], spec: str) -> None:
    assert look(check_python_is_pinned, conda=conda(f'"{spec}"')) == []


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("python=3.8.*", f"{SDK} `python=3.8.*` into `python=3.10.18`"),
        ("python 3.8", f"{SDK} `python 3.8` into `python 3.8` and `python=3.10.18`"),
        ("python", f"{SDK} `python` into `python=3.10.18`"),
        (
            "python>=3.8,<3.11",
            "the Azure ML SDK reads `python>=3.8,<3.11` as Python 3.11",
        ),
    ],
)
def test_python_that_the_sdk_misreads_is_found(
    look: Callable[..., list[str]], spec: str, message: str
) -> None:
    assert look(check_python_survives_sdk, conda=conda(f"'{spec}'")) == [
        f"warning python-lost-by-sdk {AT} {message}"
    ]


@pytest.mark.parametrize("specs", [("python=3.8",), ("python=3.8", "python 3.9"), ("numpy",)])
def test_python_that_the_sdk_reads_or_the_reader_speaks_of_is_fine(
    look: Callable[..., list[str]], specs: tuple[str, ...]
) -> None:
    assert look(check_python_survives_sdk, conda=conda(*specs)) == []


@pytest.mark.parametrize(
    ("spec", "minor", "end"),
    [
        ("python=3.6.2", "3.6", "2021-12-23"),
        ("python 3.8.*", "3.8", "2024-10-07"),
        ("python~=3.9.1", "3.9", "2025-10-31"),
        ("python==2.7", "2.7", "2020-01-01"),
    ],
)
def test_python_without_security_fixes_is_found(
    look: Callable[..., list[str]], spec: str, minor: str, end: str
) -> None:
    assert look(check_python_age, conda=conda(spec)) == [
        f"warning old-python {AT} Python {minor} has had no security fixes since {end}"
    ]


@pytest.mark.parametrize(
    "spec", ["python=3.10", "python", "python>=3.6", "python=3.60", "numpy=2.7"]
)
def test_python_that_is_maintained_or_open_is_fine(
    look: Callable[..., list[str]], spec: str
) -> None:
    assert look(check_python_age, conda=conda(spec)) == []


@pytest.mark.parametrize(
    "rule", [check_python_is_pinned, check_python_survives_sdk, check_python_age]
)
def test_definition_without_conda_side_is_fine(
    look: Callable[..., list[str]], rule: Callable[..., object]
) -> None:
    assert look(rule) == []
