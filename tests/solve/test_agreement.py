from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.fakes import pip_package, pip_request

from envsync.errors import EnvsyncError, UnsatisfiableError
from envsync.solve.agreement import find_bounds
from envsync.solve.request import PipRequest, PythonDistribution

if TYPE_CHECKING:
    from envsync.model.lockfile import LockedPackage

PACKAGING = PythonDistribution(name="packaging", version="26.0")
TORCH = PythonDistribution(name="torch", version="2.1.0", package="pytorch")
REQUEST = pip_request(Path(), "mlflow==2.9.2", provided=(PACKAGING, TORCH))
FAILURE = UnsatisfiableError("Because only packaging>=26 and torch>2 are available")


def find(
    *asked: str, wanted: tuple[LockedPackage, ...] = (), failure: EnvsyncError = FAILURE
) -> tuple[str, ...]:
    def solve(request: PipRequest) -> tuple[LockedPackage, ...]:
        kept = {each.name for each in request.provided}
        return tuple(package for package in wanted if package.name not in kept)

    return find_bounds(REQUEST, asked, failure, solve)


@pytest.mark.parametrize(
    ("asked", "wanted", "bounds"),
    [
        ((), pip_package("packaging", "23.2"), ("packaging <=23.2",)),
        ((), pip_package("packaging", "26.1"), ("packaging >=26.1",)),
        ((), pip_package("packaging", "26"), ()),
        ((), pip_package("torch", "1.13.1+cpu"), ("pytorch <=1.13.1",)),
        (("packaging",), pip_package("packaging", "23.2"), ("packaging <=23.2",)),
        (("packaging=26",), pip_package("packaging", "23.2"), ()),
        (("c::Packaging[version=26]",), pip_package("packaging", "23.2"), ()),
        (("pytorch>=2",), pip_package("torch", "1.13"), ()),
        ((), pip_package("other", "1.0"), ()),
    ],
)
def test_what_the_definition_leaves_open_gives_way(
    asked: tuple[str, ...], wanted: LockedPackage, bounds: tuple[str, ...]
) -> None:
    assert find(*asked, wanted=(wanted,)) == bounds


def test_what_the_failure_is_not_about_stays() -> None:
    failure = UnsatisfiableError("Because only torch>2 is available")

    assert find(wanted=(pip_package("packaging", "23.2"),), failure=failure) == ()


def test_requirements_that_fail_alone_move_nothing() -> None:
    def refuse(request: PipRequest) -> tuple[LockedPackage, ...]:
        raise EnvsyncError(f"{request.requirements} can't be had")

    assert find_bounds(REQUEST, (), FAILURE, refuse) == ()
    assert find_bounds(replace(REQUEST, provided=()), (), FAILURE, refuse) == ()
