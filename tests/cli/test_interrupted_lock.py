"""Locks in bad times: killed, run twice at once, on a full disk or where nothing can be written."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.servers.faulty import serve_faulty

from envsync.lock.consistency import find_inconsistencies
from envsync.lock.reader import load_lockfile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Done

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]


def start_lock(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    """Begin to lock `d`; what is said goes to the file `log`."""
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "envsync", "lock", "d", *options],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
        )


def is_good(path: Path) -> bool:
    lockfile = load_lockfile(path)
    return bool(lockfile.packages) and not find_inconsistencies(lockfile)


def ask_for(folder: Path, version: str) -> None:
    path = folder / "d" / "conda_dependencies.yml"
    path.write_text(path.read_text().replace("six=1.17", f"six={version}"), encoding="utf-8")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whenever_it_is_killed_the_lock_is_the_old_one_or_the_new_one(
    locked: Callable[..., Done], tmp_path: Path, number: signal.Signals
) -> None:
    path = tmp_path / "d" / "conda-lock.yml"
    old = path.read_bytes()
    ask_for(tmp_path, "1.16")
    whole = start_lock(tmp_path)
    assert whole.wait(60) == 0
    new = path.read_bytes()
    assert new != old
    moments = random.Random(number)  # noqa: S311  # a repeatable choice

    for _ in range(5):
        path.write_bytes(old)
        process = start_lock(tmp_path)
        time.sleep(moments.uniform(0, 1.5))
        process.send_signal(number)
        process.wait(30)
        assert path.read_bytes() in (old, new)

    assert locked("lock", "d").status == 0
    assert path.read_bytes() == new


def test_two_at_once_end_in_one_good_lock(locked: Callable[..., Done], tmp_path: Path) -> None:
    path = tmp_path / "d" / "conda-lock.yml"
    path.unlink()

    processes = [start_lock(tmp_path) for _ in range(3)]

    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert is_good(path)
    assert locked("check", "d").status == 0
    left = {each.name for each in (tmp_path / "d").iterdir()}
    assert left == {"azureml_environment.json", "conda_dependencies.yml", "conda-lock.yml"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 64 KiB at `small`."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)],  # noqa: S607
        check=False,
        capture_output=True,
    )
    if mounted.returncode != 0:
        pytest.skip("needs to mount a small disk, as root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)  # noqa: S607


def move_definition(folder: Path, place: Path) -> bytes:
    """Let `d` lie on the disk at *place*; return its lock."""
    for path in (folder / "d").iterdir():
        (place / path.name).write_bytes(path.read_bytes())
        path.unlink()
    (folder / "d").rmdir()
    (folder / "d").symlink_to(place)
    return (place / "conda-lock.yml").read_bytes()


def test_on_a_full_disk_the_old_lock_stands(
    locked: Callable[..., Done], tmp_path: Path, small_disk: Path
) -> None:
    old = move_definition(tmp_path, small_disk)
    ask_for(tmp_path, "1.16")
    with pytest.raises(OSError, match="space"):
        (small_disk / "filling").write_bytes(bytes(1 << 17))
    done = locked("lock", "d")

    assert done.status == 1
    assert "Error: Cannot write `d/conda-lock.yml`: No space left on device" in done.stderr
    assert (small_disk / "conda-lock.yml").read_bytes() == old
    assert not [path for path in small_disk.iterdir() if path.name.startswith(".")]


def test_where_nothing_can_be_written_the_old_lock_stands(
    locked: Callable[..., Done], tmp_path: Path, small_disk: Path
) -> None:
    old = move_definition(tmp_path, small_disk)
    ask_for(tmp_path, "1.16")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)  # noqa: S607

    done = locked("lock", "d")

    assert done.status == 1
    assert "Error: Cannot write `d/conda-lock.yml`: Read-only file system" in done.stderr
    assert (small_disk / "conda-lock.yml").read_bytes() == old


def test_a_cache_on_a_full_disk_is_an_error_that_says_so(
    locked: Callable[..., Done],
    tmp_path: Path,
    small_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(small_disk))
    assert locked("build-local", "d", "-p", str(tmp_path / "env")).status == 1

    done = locked("build-local", "d", "-p", str(tmp_path / "env"))

    assert "Error: Cannot install " in done.stderr
    assert "No space left on device" in done.stderr
    assert not (tmp_path / "env").exists()


def test_a_lock_that_contradicts_itself_is_locked_again(
    locked: Callable[..., Done], tmp_path: Path
) -> None:
    path = tmp_path / "d" / "conda-lock.yml"
    good = path.read_text()
    path.write_text(good.replace("noarch/six-1.17.0", "noarch/six-1.16.0"))
    assert path.read_text() != good

    assert locked("lock", "d").status == 0
    assert path.read_text() == good


def test_who_interrupts_does_not_wait_for_a_server(
    define: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "rattler"))
    definition = define("python") / "conda_dependencies.yml"
    with serve_faulty(tmp_path, lambda _path, _asked: "hang") as faulty:
        definition.write_text(f"channels:\n- {faulty.url}\ndependencies:\n- python\n")
        process = start_lock(tmp_path)
        until = time.monotonic() + 30
        while not faulty.requests and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        status = process.wait(5)

    assert status == 130
    assert (tmp_path / "log").read_text().endswith("Interrupted\n")
