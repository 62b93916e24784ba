"""Whether code of the packages in an environment runs while packages are installed into it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.fakes import RecordingReporter, pip_request
from support.wheels import make_wheel

from envsync.adapters.git import GitRepositories
from envsync.adapters.uv import PipOrigin, UvInstaller, UvSolver, UvUnpacker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def traps(tmp_path: Path) -> dict[str, str]:
    """Return modules that a starting Python runs, which leave a mark."""
    mark = f"open({str(tmp_path / 'mark')!r}, 'a').write('ran')"
    return {"zzz.pth": f"import sys; {mark}\n", "sitecustomize.py": f"{mark}\n"}


@pytest.fixture
def locked(tmp_path: Path, traps: dict[str, str]) -> Sequence[LockedPackage]:
    """Lock a package that brings the traps, and one more."""
    (tmp_path / "wheels").mkdir()
    make_wheel(tmp_path / "wheels", "trap", "1.0", more=traps)
    make_wheel(tmp_path / "wheels", "other", "1.0")
    options = ("--no-index", f"--find-links {tmp_path / 'wheels'}")
    request = pip_request(tmp_path, "trap", "other", options=options)
    return UvSolver(GitRepositories(tmp_path / "git")).solve(request)


def make_installer(tmp_path: Path, reporter: RecordingReporter) -> UvInstaller:
    origin = PipOrigin(directory=tmp_path)
    return UvInstaller(GitRepositories(tmp_path / "git"), origin, reporter=reporter)


def make_environment(path: Path) -> Path:
    command = [sys.executable, "-m", "venv", "--without-pip", path]
    subprocess.run(command, check=True)
    return path / "bin" / "python"


def test_traps_run_where_python_is_started_as_usual(
    tmp_path: Path, locked: Sequence[LockedPackage]
) -> None:
    python = make_environment(tmp_path / "env")
    make_installer(tmp_path, RecordingReporter()).install(locked, python=python)
    assert not (tmp_path / "mark").exists()

    subprocess.run([python, "-I", "-c", ""], check=True)

    assert (tmp_path / "mark").exists()


def test_no_code_of_packages_runs_while_others_are_installed_beside_them(
    tmp_path: Path, locked: Sequence[LockedPackage], traps: dict[str, str]
) -> None:
    python = make_environment(tmp_path / "env")
    (modules,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    for name, text in traps.items():
        (modules / name).write_text(text)
    (other,) = (each for each in locked if each.name == "other")

    make_installer(tmp_path, RecordingReporter()).install([other], python=python)

    assert not (tmp_path / "mark").exists()
    assert (modules / "other.py").exists()
    assert (python.parent / "other").read_text().startswith(f"#!{python}\n")
    assert [path.name for path in python.parent.glob(".*")] == []


def test_no_code_of_packages_runs_while_they_are_restored(
    tmp_path: Path, locked: Sequence[LockedPackage]
) -> None:
    reporter = RecordingReporter()
    first = make_environment(tmp_path / "first")
    make_installer(tmp_path, reporter).install(locked, python=first)
    (edited,) = (tmp_path / "first" / "lib").glob("python*/site-packages/trap.py")
    edited.write_text("EDITED = True\n")  # a hard link to what is in the cache

    second = make_environment(tmp_path / "second")
    make_installer(tmp_path, reporter).install(locked, python=second)

    assert len(reporter.notes) == 1
    assert not (tmp_path / "mark").exists()


def test_no_code_of_packages_runs_while_they_are_unpacked_and_restored(
    tmp_path: Path, locked: Sequence[LockedPackage], traps: dict[str, str]
) -> None:
    builder = make_environment(tmp_path / "builder")
    (modules,) = (tmp_path / "builder" / "lib").glob("python*/site-packages")
    for name, text in traps.items():
        (modules / name).write_text(text)
    reporter = RecordingReporter()
    origin = PipOrigin(directory=tmp_path)
    unpacker = UvUnpacker(GitRepositories(tmp_path / "git"), origin, reporter=reporter)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    target = tmp_path / "one"
    first = unpacker.unpack(locked, target=target, python_version=version, python=builder)
    (first / "trap.py").write_text("EDITED = True\n")

    target = tmp_path / "two"
    second = unpacker.unpack(locked, target=target, python_version=version, python=builder)

    assert len(reporter.notes) == 1
    assert (second / "trap.py").read_text() == "VERSION = '1.0'\n"
    assert (target / "bin" / "trap").read_text().startswith(f"#!{target}/bin/python\n")
    assert not (tmp_path / "mark").exists()
