import pytest
from support.fakes import NEEDS_PYTHON, conda_package

from envsync.solve.pip_constraints import find_distributions
from envsync.solve.request import PythonDistribution


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [
        ("numpy", "1.24.4", ("numpy", "1.24.4")),
        ("pytorch", "2.1.0", ("torch", "2.1.0")),
        ("ruamel_yaml", "0.17", ("ruamel-yaml", "0.17")),
        ("typing_extensions", "4.0", ("typing-extensions", "4.0")),
        ("pytz", "2024a", ("pytz", "2024a0")),
        ("weird", "1.0_2", None),
    ],
)
def test_conda_packages_are_known_by_their_pypi_names(
    name: str, version: str, expected: tuple[str, str] | None
) -> None:
    found = find_distributions([conda_package(name, version, dependencies=NEEDS_PYTHON)])

    assert [(each.name, each.version) for each in found] == ([expected] if expected else [])


def test_conda_s_own_name_is_kept_where_it_is_another() -> None:
    packages = [conda_package(name, dependencies=NEEDS_PYTHON) for name in ("pytorch", "numpy")]

    assert find_distributions(packages) == (
        PythonDistribution(name="numpy", version="1.0"),
        PythonDistribution(name="torch", version="1.0", package="pytorch"),
    )


def test_a_package_that_needs_no_python_is_no_distribution() -> None:
    assert find_distributions([conda_package("openssl", "3.0")]) == ()


@pytest.mark.parametrize(
    ("purls", "expected"),
    [
        (("pkg:pypi/Even_Name",), [("even-name", "1.0")]),
        (("pkg:pypi/torch@2.1.0%2Bcpu?x=y#z",), [("torch", "2.1.0+cpu")]),
        (("pkg:conda/odd@1.0", "pkg:pypi/a@1", "pkg:pypi/b"), [("a", "1"), ("b", "1.0")]),
        (("pkg:conda/odd@1.0",), []),
        ((), []),
        (None, [("odd", "1.0")]),
    ],
)
def test_what_a_package_says_of_itself_counts_most(
    purls: tuple[str, ...] | None, expected: list[tuple[str, str]]
) -> None:
    package = conda_package("odd", dependencies=NEEDS_PYTHON, purls=purls)

    assert [(each.name, each.version) for each in find_distributions([package])] == expected
