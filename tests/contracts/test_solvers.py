"""What every solver promises: held against the fakes, and where marked against the engines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.fakes import FakeCondaSolver, FakePipSolver, conda_package, pip_package, pip_request
from support.wheels import make_wheel

from envsync.adapters.git import GitRepositories
from envsync.adapters.rattler import RattlerSolver, load_config
from envsync.adapters.uv import UvSolver
from envsync.errors import UnsatisfiableError
from envsync.model.channel import resolve_channel
from envsync.model.virtual_package import DEFAULTS
from envsync.solve.request import (
    CondaRequest,
    CondaSolver,
    PipRequest,
    PipSolver,
    PythonDistribution,
)

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage


@pytest.fixture(params=["fake", pytest.param("rattler", marks=pytest.mark.e2e)])
def conda(request: pytest.FixtureRequest) -> CondaSolver:
    if request.param == "fake":
        return FakeCondaSolver((conda_package("six"), conda_package("python", "3.11.9")))
    request.getfixturevalue("channel")
    return RattlerSolver(load_config())


@pytest.fixture(params=["fake", "uv"])
def pip(request: pytest.FixtureRequest, tmp_path: Path) -> PipSolver:
    if request.param == "fake":
        return FakePipSolver((pip_package("base", "2.0"), pip_package("top")))
    return UvSolver(GitRepositories(tmp_path / "git"))


@pytest.fixture
def ask(tmp_path: Path) -> PipRequest:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    make_wheel(wheels, "top", "1.0", requires="base>=1")
    make_wheel(wheels, "base", "2.0")
    return pip_request(tmp_path, "top", options=("--no-index", f"--find-links {wheels}"))


def conda_request(*specs: str) -> CondaRequest:
    return CondaRequest(
        subdir="linux-64",
        channels=(resolve_channel("conda-forge", "linux-64"),),
        match_specs=specs,
        virtual_packages=DEFAULTS["linux-64"],
    )


def names(packages: tuple[LockedPackage, ...]) -> list[str]:
    return [package.name for package in packages]


def test_what_is_asked_of_conda_is_in_the_answer_once_and_in_order(conda: CondaSolver) -> None:
    found = names(conda.solve(conda_request("six", "python")))

    assert {"six", "python"} <= set(found)
    assert found == sorted(set(found))


def test_each_conda_package_has_an_address_and_a_hash(conda: CondaSolver) -> None:
    for package in conda.solve(conda_request("six")):
        assert package.manager == "conda"
        assert package.subdir == "linux-64"
        assert package.url.startswith("https://")
        assert len(package.sha256 or "") == 64


def test_the_same_conda_request_has_the_same_answer(conda: CondaSolver) -> None:
    assert conda.solve(conda_request("six")) == conda.solve(conda_request("six"))


def test_a_conda_package_that_is_nowhere_is_named(conda: CondaSolver) -> None:
    with pytest.raises(UnsatisfiableError) as caught:
        conda.solve(conda_request("no-such-package"))

    assert any("no-such-package" in reason for reason in caught.value.reasons)


def test_the_facts_of_this_machine_come_in_order(conda: CondaSolver) -> None:
    found = [fact.name for fact in conda.detect_virtual_packages()]

    assert found == sorted(set(found))
    assert all(name.startswith("__") for name in found)


def test_what_is_asked_of_pip_comes_with_what_it_needs(pip: PipSolver, ask: PipRequest) -> None:
    found = pip.solve(ask)

    assert names(found) == ["base", "top"]
    assert {package.manager for package in found} == {"pip"}
    assert all(len(package.sha256 or "") == 64 for package in found)


def test_pip_leaves_out_what_conda_brings(pip: PipSolver, ask: PipRequest) -> None:
    provided = (PythonDistribution(name="base", version="2.0"),)

    assert names(pip.solve(replace(ask, provided=provided))) == ["top"]
