from __future__ import annotations

import pytest

from envsync.definition.requirement.python_pin import PythonPin, is_python, python_pin


@pytest.mark.parametrize(
    ("asked", "sdk_reads", "sdk_saves"),
    [
        ("python=3.8", "3.8", ("python=3.8",)),
        ("python==3.8.5", "3.8.5", ("python==3.8.5",)),
        ("python~=3.8", "3.8", ("python~=3.8",)),
        ("python= 3.9", "3.9", ("python= 3.9",)),
        ("python>=3.8", "3.8", ("python>=3.8",)),
        ("python!=3.9", "3.9", ("python!=3.9",)),
        ("python>=3.8,<3.11", "3.11", ("python>=3.8,<3.11",)),
        ("python", None, ("python=3.10.18",)),
        ("python=3", None, ("python=3.10.18",)),
        ("python=3.8.*", None, ("python=3.10.18",)),
        ("python=3.8.13=h12debd9_0", None, ("python=3.10.18",)),
        ("python=3.9.0rc1", None, ("python=3.10.18",)),
        ('python[version=">=3.8"]', None, ("python=3.10.18",)),
        ("python 3.8.13", None, ("python 3.8.13", "python=3.10.18")),
        ("python =3.9", None, ("python =3.9", "python=3.10.18")),
        ("Python=3.8", None, ("Python=3.8", "python=3.10.18")),
        ("conda-forge::python=3.8.13", None, ("conda-forge::python=3.8.13", "python=3.10.18")),
    ],
)
def test_pin_says_what_the_sdk_makes_of_it(
    asked: str, sdk_reads: str | None, sdk_saves: tuple[str, ...]
) -> None:
    pin = python_pin(["numpy", asked, "python-dateutil=2.8"])
    assert pin == PythonPin(asked=(asked,), sdk_reads=sdk_reads, sdk_saves=sdk_saves)
    assert pin.survives_sdk == (sdk_saves == (asked,))


def test_python_that_is_absent_is_added_by_the_sdk() -> None:
    pin = python_pin(["numpy"])
    assert pin == PythonPin(asked=(), sdk_reads=None, sdk_saves=("python=3.10.18",))


def test_of_two_pythons_the_sdk_reads_the_first_it_understands() -> None:
    pin = python_pin(["python 3.8.13", "python=3.7.1"])
    assert pin.asked == pin.sdk_saves == ("python 3.8.13", "python=3.7.1")
    assert pin.sdk_reads == "3.7.1"


def test_what_is_no_match_spec_is_not_python() -> None:
    assert not is_python("-r python.txt")
