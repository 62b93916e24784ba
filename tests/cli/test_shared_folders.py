"""Folders that others may write to, with traps in them, watched from outside."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from channel import Served

_TRAPS = (".envsync.x.partial", ".spec.txt.x.partial", ".image.tar.x.partial")
_OFFLINE = {"lock": ("--offline",)}
_PATIENCE = 120  # seconds, which only what hangs needs


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """Return a folder with a FIFO, and links to a folder and a file of the user's."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("mine")
    folder = tmp_path / "shared"
    folder.mkdir()
    for name in _TRAPS:
        os.mkfifo(folder / name)
        (folder / name.replace("x", "y", 1)).symlink_to(precious)
        (folder / name.replace("x", "z", 1)).symlink_to(precious / "file")
    return folder


@pytest.mark.e2e
def test_traps_in_a_shared_folder_are_stepped_around(
    define: Callable[..., Path], channel: Served, shared: Path, tmp_path: Path
) -> None:
    del channel
    define("python", pip=("idna==3.10",))
    before = sorted(shared.iterdir())
    statuses = [
        subprocess.run(
            [sys.executable, "-m", "envsync", *words],
            cwd=tmp_path,
            env={**os.environ, "TMPDIR": str(shared)},
            timeout=_PATIENCE,
            check=False,
        ).returncode
        for words in (
            ["lock", "d"],
            ["build-local", "d"],
            ["export", "d", "--format", "explicit", "-o", str(shared / "spec.txt")],
        )
    ]

    assert statuses == [0, 0, 0]
    assert sorted(shared.iterdir()) == sorted([*before, shared / "spec.txt"])
    assert [path.name for path in (tmp_path / "precious").iterdir()] == ["file"]
    assert (tmp_path / "precious" / "file").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["azureml_environment.json", "conda_dependencies.yml", "conda-lock.yml", "r.txt"]
)
@pytest.mark.parametrize("command", ["validate", "check", "lock"])
def test_a_fifo_among_the_files_of_a_definition_is_an_error(
    define: Callable[..., Path], tmp_path: Path, name: str, command: str
) -> None:
    define("python", pip=("-r r.txt",))
    (tmp_path / "d" / "r.txt").write_text("six\n")
    (tmp_path / "d" / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / "d" / name)
    before = sorted((tmp_path / "d").iterdir())

    done = subprocess.run(
        [sys.executable, "-m", "envsync", command, "d", *_OFFLINE.get(command, ())],
        cwd=tmp_path,
        timeout=_PATIENCE,
        check=False,
        capture_output=True,
        text=True,
    )

    is_only_a_lock = command == "validate" and name == "conda-lock.yml"
    assert done.returncode in ({0} if is_only_a_lock else {1, 2}), done
    assert "Traceback" not in done.stderr
    assert sorted((tmp_path / "d").iterdir()) == before
