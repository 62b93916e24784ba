import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from support.fakes import pip_package, pip_request
from support.servers.repositories import commit
from support.wheels import make_wheel

from envsync.adapters.git import GitRepositories
from envsync.adapters.uv import PipOrigin, UvInstaller, UvSolver, find_target
from envsync.definition.requirement.pip_requirement import parse_requirement
from envsync.errors import EnvsyncError, UnsatisfiableError
from envsync.model.repository import Repository
from envsync.solve.request import PipRequest, PythonDistribution


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    make_wheel(folder, "top", "1.0", requires="base>=1")
    make_wheel(folder, "base", "1.0")
    make_wheel(folder, "base", "2.0")
    return folder


@pytest.fixture
def repositories(tmp_path: Path) -> GitRepositories:
    return GitRepositories(tmp_path / "git")


@pytest.fixture
def solver(repositories: GitRepositories) -> UvSolver:
    return UvSolver(repositories)


@pytest.fixture
def installer(repositories: GitRepositories, tmp_path: Path) -> UvInstaller:
    return UvInstaller(repositories, PipOrigin(directory=tmp_path))


@pytest.fixture
def request_for(wheels: Path, tmp_path: Path) -> PipRequest:
    return pip_request(tmp_path, "top", options=("--no-index", f"--find-links {wheels}"))


def test_requirements_are_locked_with_what_they_need(
    request_for: PipRequest, solver: UvSolver
) -> None:
    locked = solver.solve(request_for)

    assert [(package.name, package.version) for package in locked] == [
        ("base", "2.0"),
        ("top", "1.0"),
    ]
    assert [package.url for package in locked] == [
        "file:wheels/base-2.0-py3-none-any.whl",
        "file:wheels/top-1.0-py3-none-any.whl",
    ]
    assert all(package.sha256 for package in locked)
    assert [package.dependencies for package in locked] == [(), (("base", ">=1"),)]


def test_what_conda_provides_is_used_and_not_locked_again(
    request_for: PipRequest, solver: UvSolver
) -> None:
    provided = (PythonDistribution(name="base", version="1.5", package="base-of-conda"),)

    locked = solver.solve(replace(request_for, provided=provided))

    assert [package.name for package in locked] == ["top"]
    assert locked[0].dependencies == (("base-of-conda", ">=1"),)


def test_what_conda_provides_can_make_it_unsatisfiable(
    request_for: PipRequest, solver: UvSolver
) -> None:
    provided = (PythonDistribution(name="base", version="0.5"),)

    with pytest.raises(UnsatisfiableError) as caught:
        solver.solve(replace(request_for, provided=provided))

    assert "No solution for the pip requirements on `linux-64` with Python 3.11.9" in (
        caught.value.message
    )
    assert any("base" in reason for reason in caught.value.reasons)


@pytest.mark.slow
def test_an_index_that_is_not_there_is_an_error_without_its_password(
    request_for: PipRequest, solver: UvSolver
) -> None:
    options = ("--index-url http://user:hunter2@127.0.0.1:1/simple",)

    with pytest.raises(EnvsyncError) as caught:
        solver.solve(replace(request_for, options=options))

    assert "hunter2" not in caught.value.message
    assert "127.0.0.1:1/simple" in caught.value.message


def test_the_hash_of_what_conda_provides_or_another_python_needs_is_not_asked_for(
    request_for: PipRequest, solver: UvSolver
) -> None:
    stated = f"--hash=sha256:{'0' * 64}"
    lines = (f"base==1.5 {stated}", f"top==1.0 ; python_version < '3' {stated}", "top")
    asked = replace(
        request_for,
        requirements=lines,
        parsed=tuple(map(parse_requirement, lines)),
        provided=(PythonDistribution(name="base", version="1.5"),),
    )

    assert [package.name for package in solver.solve(asked)] == ["top"]


def test_a_folder_has_no_hash_and_is_refused(
    request_for: PipRequest, tmp_path: Path, solver: UvSolver
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text('[project]\nname = "project"\nversion = "1"\n')

    with pytest.raises(EnvsyncError, match="`project` can't be locked"):
        solver.solve(replace(request_for, requirements=("./project",)))


@pytest.fixture
def python(tmp_path: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"],
        check=True,
    )
    return tmp_path / "venv" / "bin" / "python"


def test_locked_packages_are_installed_as_if_from_an_index(
    request_for: PipRequest, python: Path, solver: UvSolver, installer: UvInstaller
) -> None:
    installer.install(solver.solve(request_for), python=python)

    (site_packages,) = (python.parent.parent / "lib").glob("*/site-packages")
    assert (site_packages / "base.py").read_text() == "VERSION = '2.0'\n"
    assert not list(site_packages.glob("*/direct_url.json"))
    assert (python.parent / "top").exists()


def test_an_archive_that_was_changed_is_refused_by_name(
    request_for: PipRequest, python: Path, wheels: Path, solver: UvSolver, installer: UvInstaller
) -> None:
    locked = solver.solve(request_for)
    make_wheel(wheels, "base", "2.0", requires="top")

    with pytest.raises(EnvsyncError) as caught:
        installer.install(locked, python=python)

    assert "base" in caught.value.message
    assert "ash" in caught.value.message


@pytest.mark.parametrize(
    ("subdir", "glibc", "target"),
    [
        ("linux-64", "2.36", "x86_64-manylinux_2_36"),
        ("linux-64", "2.30", "x86_64-manylinux_2_28"),
        ("linux-64", "2.5", "x86_64-manylinux_2_17"),
        ("linux-aarch64", "2.99", "aarch64-manylinux_2_40"),
        ("linux-64", None, "x86_64-unknown-linux-gnu"),
        ("osx-arm64", None, "aarch64-apple-darwin"),
        ("win-64", None, "x86_64-pc-windows-msvc"),
    ],
)
def test_uv_is_told_of_a_machine_no_newer_than_the_target(
    subdir: str, glibc: str | None, target: str
) -> None:
    assert find_target(subdir, glibc) == target


@pytest.mark.e2e
def test_source_code_is_built_with_what_there_was_at_the_cut_off(
    repositories: GitRepositories, tmp_path: Path, python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "old"
    source.mkdir()
    (source / "setup.py").write_text(
        "import setuptools\n"
        "open('old.py', 'w').write(f'BUILT_WITH = {setuptools.__version__!r}')\n"
        "setuptools.setup(name='old', version='1.0', py_modules=['old'])\n"
    )
    pin = Repository(url=source.as_uri(), revision=commit(source))
    package = pip_package("old", url=str(pin), sha256=repositories.hash(pin, {}))
    origin = PipOrigin(cut_off=datetime(2023, 1, 1, tzinfo=timezone.utc))
    monkeypatch.setenv("UV_NO_CACHE", "1")

    UvInstaller(repositories, origin).install([package], python=python)

    done = subprocess.run(
        [python, "-c", "import old; print(old.BUILT_WITH)"], capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == "65.6.3"
