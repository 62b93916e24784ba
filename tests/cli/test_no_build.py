"""Source code under `pip:`: it is said before its code runs, and can be refused."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest
from channel import serve
from support.servers.repositories import commit
from support.wheels import make_wheel

from envsync import Environment
from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Done

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("channel")]

BACKEND = """
import os, pathlib, zipfile
heard = pathlib.Path({heard!r})
pathlib.Path({mark!r}).write_text(heard.read_text() if heard.exists() else "silence")

def build_wheel(folder, config_settings=None, metadata_directory=None):
    info = "thing-1.0.dist-info"
    with zipfile.ZipFile(os.path.join(folder, "thing-1.0-py3-none-any.whl"), "w") as made:
        made.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: thing\\nVersion: 1.0\\n")
        made.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        made.writestr(info + "/RECORD", "")
    return "thing-1.0-py3-none-any.whl"
"""
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
STATIC = '[project]\nname = "thing"\nversion = "1.0"\n'


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """Return what the code of `thing` writes when it runs: what was said until then."""
    return tmp_path / "mark"


@pytest.fixture
def source(tmp_path: Path, mark: Path) -> Path:
    folder = tmp_path / "source" / "thing-1.0"
    folder.mkdir(parents=True)
    text = BACKEND.format(heard=str(tmp_path / "stderr"), mark=str(mark))
    (folder / "backend.py").write_text(text)
    (folder / "pyproject.toml").write_text(PROJECT)
    return folder


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Return where the folder `files` is served."""
    (tmp_path / "d" / "files").mkdir(parents=True)
    with serve({"any": tmp_path / "d"}) as served:
        yield served.mirrors["any"]


def pack(source: Path, folder: Path) -> Path:
    """Make an archive of source code, which says its name, and no more."""
    folder.mkdir(parents=True, exist_ok=True)
    (source / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: thing\nVersion: 1.0\n")
    path = folder / "thing-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(source, arcname="thing-1.0")
    return path


def ask(kind: str, source: Path, folder: Path, address: str = "") -> tuple[str, ...]:
    """Return the lines under `pip:` that ask for *source* in that *kind* of way."""
    if kind == "git":
        commit(source)
        return (f"thing @ git+{source.as_uri()}",)
    if kind == "file":
        pack(source, folder / "d")
        return ("./thing-1.0.tar.gz",)
    pack(source, folder / "d" / "files")
    if kind == "address":
        return (f"thing @ {address}files/thing-1.0.tar.gz",)
    if kind == "needed":
        make_wheel(folder / "d" / "files", "top", "1.0", requires="thing")
    if kind == "no-binary":
        make_wheel(folder / "d" / "files", "thing", "0.9")
        return ("--no-index", "--find-links files", "--no-binary thing", "thing")
    return (
        "--no-index",
        "--find-links files",
        "top" if kind == "needed" else "thing",
    )


KINDS = ("git", "file", "address", "index", "needed", "no-binary")


def lock(tmp_path: Path, *more: str) -> tuple[int, str]:
    """Lock `d` in a process of its own, whose stderr can be read while it runs."""
    with (tmp_path / "stderr").open("w") as stream:
        done = subprocess.run(
            [sys.executable, "-m", "envsync", "lock", "d", *more],
            cwd=tmp_path,
            stderr=stream,
            check=False,
        )
    return done.returncode, (tmp_path / "stderr").read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_said_before_the_code_runs(
    define: Callable[..., Path], source: Path, mark: Path, tmp_path: Path, kind: str, address: str
) -> None:
    define("python", pip=ask(kind, source, tmp_path, address))

    status, stderr = lock(tmp_path)

    assert status == 0, stderr
    until_then = mark.read_text()
    assert "Warning: `d`: " in until_then
    assert "thing" in until_then
    assert "is source code, which is run now to lock it\nHint: refuse that" in until_then
    assert stderr.count("which is run now to lock it") == 1


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_refused_and_does_not_run(
    define: Callable[..., Path], source: Path, mark: Path, tmp_path: Path, kind: str, address: str
) -> None:
    define("python", pip=ask(kind, source, tmp_path, address))

    status, stderr = lock(tmp_path, "--no-build")

    assert status == 1
    assert not mark.exists()
    assert "Error: `d`: " in stderr
    assert "thing" in stderr
    assert "is source code, and locking it would run it\nHint: ask for a version" in stderr
    assert not (tmp_path / "d" / "conda-lock.yml").exists()


def test_what_says_all_about_itself_is_refused_too(
    define: Callable[..., Path], source: Path, mark: Path, tmp_path: Path
) -> None:
    (source / "pyproject.toml").write_text(PROJECT + STATIC)
    define("python", pip=ask("git", source, tmp_path))

    status, stderr = lock(tmp_path, "--no-build")

    assert status == 1
    assert "thing 1.0 is source code, which is run to build it: `git+file://" in stderr
    assert not mark.exists()


def test_a_lock_that_holds_source_code_is_refused_before_anything_is_made(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    source: Path,
    mark: Path,
    tmp_path: Path,
) -> None:
    define("python", pip=ask("git", source, tmp_path))
    assert envsync("lock", "d").status == 0
    mark.unlink()
    for words in (
        ("build-local", "d", "-p", "made"),
        ("build-local", "d/conda-lock.yml", "-p", "made"),
        ("build-local", "d", "--base", "scratch", "--oci", "made"),
        ("build-local", "d", "--base", "scratch", "--print-id"),
        ("save-to-directory", "--docker-context", "d", "made"),
        ("lock", "d"),
    ):
        done = envsync(*words, "--no-build")

        assert done.status == 1, words
        assert "thing 1.0 is source code, which is run to build it: `git+file" in done.stderr
        assert not (tmp_path / "made").exists()
    assert not mark.exists()


def test_the_sdk_refuses_it_too(
    define: Callable[..., Path], source: Path, mark: Path, tmp_path: Path
) -> None:
    directory = define("python", pip=ask("git", source, tmp_path))
    environment = Environment.load_from_directory(str(directory))

    with pytest.raises(EnvsyncError, match="is source code"):
        environment.lock(no_build=True)
    with pytest.raises(EnvsyncError, match="is source code"):
        environment.build_local(no_build=True, prefix=tmp_path / "made")

    assert not mark.exists()
    assert not (tmp_path / "made").exists()


def test_wheels_are_locked_and_made_as_ever(
    envsync: Callable[..., Done], define: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "d" / "files").mkdir(parents=True)
    make_wheel(tmp_path / "d" / "files", "thing", "1.0")
    define("python", pip=("--no-index", "--find-links files", "thing"))

    assert envsync("lock", "d", "--no-build").status == 0
    assert envsync("build-local", "d", "-p", "made", "--no-build").status == 0
    assert envsync("build-local", "d", "-p", "made").status == 0


def test_commands_that_only_look_run_nothing(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    source: Path,
    mark: Path,
    tmp_path: Path,
) -> None:
    define("python", pip=ask("git", source, tmp_path))
    assert envsync("lock", "d").status == 0
    assert envsync("build-local", "d", "-p", "made").status == 0
    mark.unlink()
    (modules,) = (tmp_path / "made" / "lib").glob("python3.?*/site-packages")
    trap = f"import sys; open({json.dumps(str(mark))}, 'w').write('ran')\n"
    (modules / "trap.pth").write_text(trap)

    for words in (
        ("check", "d"),
        ("validate", "d"),
        ("diff", "d", "made"),
        ("verify", "d", "-p", "made"),
        ("why", "thing", "d"),
        ("tree", "d"),
        ("export", "d", "--format", "pylock"),
    ):
        envsync(*words)
        assert not mark.exists(), words
