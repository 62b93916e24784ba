import pytest
from support.fakes import conda_package, pip_package

from envsync.adapters.versions import satisfies


@pytest.mark.parametrize(
    ("version", "requirement", "expected"),
    [
        ("1.5", "*", True),
        ("1.5", "", True),
        ("1.5", "<2,>=1", True),
        ("1.5", "==1.*", True),
        ("1.5", "~=1.6", False),
        ("2.0rc1", ">=1", True),
        ("1.5", "a riddle", True),
    ],
)
def test_pip_packages_are_compared_as_pip_does(
    version: str, requirement: str, *, expected: bool
) -> None:
    assert satisfies(pip_package("six", version), requirement) is expected


@pytest.mark.parametrize(("requirement", "expected"), [("1.5.*", True), (">=2", False), ("", True)])
def test_conda_packages_are_compared_as_conda_does(requirement: str, *, expected: bool) -> None:
    assert satisfies(conda_package("six", "1.5"), requirement) is expected
