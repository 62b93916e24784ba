"""What every installer promises: held against the fakes, and against the engines."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.fakes import (
    FakeCondaInstaller,
    FakePipInstaller,
    RecordingReporter,
    conda_package,
    pip_package,
)
from support.wheels import make_wheel

from envsync.adapters.git import GitRepositories
from envsync.adapters.rattler import RattlerInstaller, RattlerSolver, load_config
from envsync.adapters.uv import UvInstaller
from envsync.model.channel import resolve_channel
from envsync.model.virtual_package import DEFAULTS
from envsync.solve.request import CondaRequest

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage
    from envsync.package.installers import CondaInstaller, PipInstaller


@pytest.fixture(params=["fake", pytest.param("rattler", marks=pytest.mark.e2e)])
def conda(request: pytest.FixtureRequest) -> tuple[CondaInstaller, tuple[LockedPackage, ...]]:
    if request.param == "fake":
        packages = (conda_package("python", "3.11.9"), conda_package("six"))
        return FakeCondaInstaller(), packages
    request.getfixturevalue("channel")
    asked = CondaRequest(
        subdir="linux-64",
        channels=(resolve_channel("conda-forge", "linux-64"),),
        match_specs=("python", "six"),
        virtual_packages=DEFAULTS["linux-64"],
    )
    return RattlerInstaller(load_config()), RattlerSolver(load_config()).solve(asked)


@pytest.fixture
def python(tmp_path: Path) -> Path:
    folder = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


@pytest.fixture(params=["fake", "uv"])
def pip(
    request: pytest.FixtureRequest, tmp_path: Path
) -> tuple[PipInstaller, tuple[LockedPackage, ...]]:
    if request.param == "fake":
        return FakePipInstaller(), (pip_package("base"), pip_package("top"))
    packages = []
    for name in ("base", "top"):
        wheel = make_wheel(tmp_path, name, "1.0")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        packages.append(replace(pip_package(name), url=wheel.as_uri(), sha256=digest))
    return UvInstaller(GitRepositories(tmp_path / "git")), tuple(packages)


def test_conda_packages_lie_in_the_target_with_a_record_each(
    conda: tuple[CondaInstaller, tuple[LockedPackage, ...]], tmp_path: Path
) -> None:
    installer, packages = conda
    target, reporter = tmp_path / "aside", RecordingReporter()
    installer.install(
        packages,
        target=target,
        prefix=tmp_path / "prefix",
        requested=("python", "six"),
        reporter=reporter,
    )
    records = [json.loads(path.read_text()) for path in (target / "conda-meta").glob("*.json")]

    assert sorted(record["name"] for record in records) == [package.name for package in packages]
    assert (target / "bin" / "python").is_file()
    assert reporter.advanced == len(packages)


def test_pip_packages_have_metadata_and_scripts_that_run_in_their_environment(
    pip: tuple[PipInstaller, tuple[LockedPackage, ...]], python: Path
) -> None:
    installer, packages = pip
    installer.install(packages, python=python)

    for package in packages:
        pattern = f"lib/python*/site-packages/{package.name}-1.0.dist-info/RECORD"
        script = python.parent / package.name
        assert list(python.parent.parent.glob(pattern))
        assert os.access(script, os.X_OK)
        assert str(python) in script.read_text().splitlines()[0]
