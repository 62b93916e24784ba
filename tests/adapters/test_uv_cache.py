"""Files in uv's cache that were edited through an environment, and what becomes of them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from channel import serve
from support.fakes import RecordingReporter, pip_request
from support.wheels import make_wheel

from envsync.adapters.git import GitRepositories
from envsync.adapters.uv import PipOrigin, UvInstaller, UvSolver, UvUnpacker
from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "served" / "wheels"
    folder.mkdir(parents=True)
    for name in ("base", "other"):
        make_wheel(folder, name, "1.0", more={"shared.py": f"FROM = {name!r}\n"})
    return folder


@pytest.fixture
def options(wheels: Path) -> Iterator[tuple[str, ...]]:
    """Serve the wheels, since what lies in a folder is no matter of the network."""
    with serve({"any": wheels.parent}) as served:
        listed = "".join(f"<a href={path.name!r}>{path.name}</a>" for path in wheels.iterdir())
        (wheels / "index.html").write_text(listed)
        yield ("--no-index", f"--find-links {served.mirrors['any']}wheels/index.html")


@pytest.fixture
def locked(options: tuple[str, ...], tmp_path: Path) -> tuple[LockedPackage, ...]:
    request = pip_request(tmp_path, "base", "other", options=options)
    return UvSolver(GitRepositories(tmp_path / "git")).solve(request)


@pytest.fixture
def make(
    tmp_path: Path, options: tuple[str, ...], locked: tuple[LockedPackage, ...]
) -> Callable[..., tuple[Path, list[str]]]:
    """Install what is locked into a new environment; return its modules, and what was noted."""

    def run(name: str, *, offline: bool = False) -> tuple[Path, list[str]]:
        command = [sys.executable, "-m", "venv", "--without-pip", tmp_path / name]
        subprocess.run(command, check=True)
        reporter = RecordingReporter()
        UvInstaller(
            GitRepositories(tmp_path / "git"),
            PipOrigin(directory=tmp_path, lines=options),
            offline=offline,
            reporter=reporter,
        ).install(locked, python=tmp_path / name / "bin" / "python")
        (modules,) = (tmp_path / name / "lib").glob("python*/site-packages")
        return modules, reporter.notes

    return run


NOTE = "Files of `base` in uv's cache were edited; they are restored"


def edit(path: Path) -> None:
    with path.open("a") as stream:
        stream.write("EDITED = True\n")


def test_what_was_edited_in_one_environment_is_not_in_the_next(
    make: Callable[..., tuple[Path, list[str]]],
) -> None:
    first, _ = make("first")
    edit(first / "base.py")

    second, notes = make("second")
    third, later = make("third")

    assert (second / "base.py").read_text() == "VERSION = '1.0'\n"
    assert (third / "base.py").read_text() == "VERSION = '1.0'\n"
    assert (notes, later) == ([NOTE], [])


def test_an_edit_that_keeps_size_and_time_is_noticed(
    make: Callable[..., tuple[Path, list[str]]],
) -> None:
    first, _ = make("first")
    before = (first / "base.py").stat()
    (first / "base.py").write_text("VERSION = '6.6'\n")
    os.utime(first / "base.py", ns=(before.st_atime_ns, before.st_mtime_ns))

    second, notes = make("second")

    assert (second / "base.py").read_text() == "VERSION = '1.0'\n"
    assert notes == [NOTE]


def read_metadata(modules: Path) -> dict[str, list[str]]:
    """Return the lines of the metadata of `base`, but for that of a script of one environment."""
    files = {path.name: path.read_text().splitlines() for path in modules.glob("base*/*")}
    return {name: [it for it in lines if "bin/" not in it] for name, lines in files.items()}


@pytest.mark.parametrize("name", ["base.py", "METADATA", "WHEEL", "RECORD"])
@pytest.mark.parametrize("harm", ["missing", "empty"])
def test_a_file_that_the_cache_lost_is_had_anew(
    make: Callable[..., tuple[Path, list[str]]], tmp_path: Path, name: str, harm: str
) -> None:
    first, _ = make("first")
    good = read_metadata(first)
    found = (tmp_path / "cache").glob(f"archive-v0/*/**/{name}")
    for path in [it for it in found if "base" in it.name or "base" in it.parent.name]:
        path.unlink()
        if harm == "empty":
            path.touch()

    second, notes = make("second")

    assert read_metadata(second) == good
    assert (second / "base.py").read_text() == "VERSION = '1.0'\n"
    assert len(notes) == 1


def test_what_was_edited_can_not_be_had_without_the_network(
    make: Callable[..., tuple[Path, list[str]]],
) -> None:
    first, _ = make("first")
    make("second", offline=True)
    edit(first / "base.py")

    with pytest.raises(EnvsyncError) as caught:
        make("third", offline=True)

    assert "base" in caught.value.message
    assert caught.value.hint == "run it once without `--offline`"


def test_a_script_of_a_package_is_right_though_it_is_made_for_each_environment(
    make: Callable[..., tuple[Path, list[str]]],
) -> None:
    first, _ = make("first")
    edit(first.parents[2] / "bin" / "base")

    second, notes = make("second")

    assert (second.parents[2] / "bin" / "base").read_text().count("EDITED") == 0
    assert notes == []


def test_a_file_that_two_packages_bring_may_be_that_of_either(
    make: Callable[..., tuple[Path, list[str]]],
) -> None:
    modules, notes = make("first")

    assert (modules / "shared.py").read_text() in {"FROM = 'base'\n", "FROM = 'other'\n"}
    assert notes == []


def test_an_image_does_not_get_what_was_edited_either(
    make: Callable[..., tuple[Path, list[str]]],
    tmp_path: Path,
    options: tuple[str, ...],
    locked: tuple[LockedPackage, ...],
) -> None:
    first, _ = make("first")
    edit(first / "base.py")
    origin = PipOrigin(directory=tmp_path, lines=options)

    modules = UvUnpacker(GitRepositories(tmp_path / "git"), origin).unpack(
        locked, target=tmp_path / "unpacked", python_version="3.11"
    )

    assert (modules / "base.py").read_text() == "VERSION = '1.0'\n"
