from __future__ import annotations

import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from support.served import wait_until

from envsync import process
from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_left_running_is_known_at_once(tmp_path: Path) -> None:
    started = process.detach(["/bin/sleep", "60"], cwd=tmp_path, env={}, folder=tmp_path)
    try:
        assert process.read_identity(tmp_path) == started
        assert started.is_alive()
    finally:
        started.kill()

    wait_until((tmp_path / "status").exists, "the status")
    assert (tmp_path / "status").read_text() == "137\n"
    assert not started.is_alive()


@pytest.mark.slow
def test_what_was_killed_holds_its_port_no_longer(tmp_path: Path) -> None:
    code = (
        "import mmap, socket, sys, time\n"
        "kept = mmap.mmap(-1, 256 << 20); kept.write(bytes(256 << 20))\n"  # takes time to free
        "with socket.create_server(('127.0.0.1', int(sys.argv[1]))):\n"
        "    open('ready', 'w').close(); time.sleep(60)\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for _ in range(5):
        command = [sys.executable, "-c", code, str(port)]
        started = process.detach(command, cwd=tmp_path, env={}, folder=tmp_path)
        wait_until((tmp_path / "ready").exists, "the server")
        (tmp_path / "ready").unlink()
        started.kill()
        socket.create_server(("127.0.0.1", port)).close()


@pytest.mark.parametrize(("command", "status"), [("/bin/false", "1\n"), ("/no/such", "127\n")])
def test_how_it_ended_is_noted_even_if_it_ends_at_once(
    tmp_path: Path, command: str, status: str
) -> None:
    process.detach([command], cwd=tmp_path, env={}, folder=tmp_path)

    wait_until((tmp_path / "status").exists, "the status")
    assert (tmp_path / "status").read_text() == status


def test_however_soon_they_end_all_are_noted(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(60)]
    for folder in folders:
        folder.mkdir()

    with ThreadPoolExecutor(max_workers=12) as pool:
        started = pool.map(
            lambda it: process.detach(["/no/such"], cwd=it, env={}, folder=it), folders
        )

    assert len({identity.pid for identity in started}) > 1


def test_nothing_is_left_running_that_cannot_be_noted(tmp_path: Path) -> None:
    (tmp_path / ".pid").mkdir()

    with pytest.raises(EnvsyncError, match=f"`{tmp_path}` can't be written to$"):
        process.detach(["/bin/sleep", "60"], cwd=tmp_path, env={}, folder=tmp_path)

    wait_until((tmp_path / "status").exists, "the status")
    assert (tmp_path / "status").read_text() == "143\n"
