"""The room that a server's log takes on the disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from envsync.score.runtime.server.process.log_room import LogRoom
from envsync.workflow.service.log import follow_log, read_log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KIB = 1024
LINE = b"%09d\n"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """Give a log, and a descriptor that appends to it."""
    path = tmp_path / "log"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    yield path, descriptor
    os.close(descriptor)


def write(descriptor: int, first: int, last: int) -> None:
    os.write(descriptor, b"".join(LINE % at for at in range(first, last)))


def test_the_oldest_lines_go_and_the_rest_is_whole(log: tuple[Path, int]) -> None:
    path, descriptor = log
    room = LogRoom(descriptor)
    for at in range(20):
        write(descriptor, at * 10000, (at + 1) * 10000)
        room.look(512 * KIB, 256 * KIB)
    kept, end = read_log(path)

    assert path.stat().st_size == end == 2_000_000
    assert path.stat().st_blocks * 512 < 700 * KIB
    lines = kept.splitlines()
    assert 256 * KIB <= len(kept) <= 700 * KIB
    assert lines == [b"%09d" % at for at in range(200_000 - len(lines), 200_000)]
    assert read_log(path, 2)[0] == LINE % 199_998 + LINE % 199_999
    assert read_log(path, 10**6)[0] == kept


@pytest.mark.slow
def test_a_log_that_is_followed_goes_on_when_its_beginning_is_let_go(
    log: tuple[Path, int],
) -> None:
    path, descriptor = log
    room = LogRoom(descriptor)
    write(descriptor, 0, 10)
    rounds = iter(range(1, 20))

    def goes_on() -> bool:
        at = next(rounds, None)
        if at is not None:
            write(descriptor, at * 10000, (at + 1) * 10000)
            room.look(256 * KIB, 128 * KIB)
        return at is not None

    found = b"".join(follow_log(path, None, goes_on))

    expected = [*range(10), *range(10000, 200_000)]
    assert found == b"".join(LINE % at for at in expected)


def test_a_log_below_its_limit_is_left_alone(log: tuple[Path, int]) -> None:
    path, descriptor = log
    write(descriptor, 0, 100)
    LogRoom(descriptor).look(512 * KIB, 256 * KIB)
    assert read_log(path)[0].startswith(LINE % 0)
    assert read_log(path, 0)[0] == b""


def test_what_is_no_file_of_its_own_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb") as stream:  # not appended to
        stream.write(b"x" * 100_000)
        stream.flush()
        LogRoom(stream.fileno()).look(10 * KIB, 0)
    assert path.read_bytes() == b"x" * 100_000
    reading, writing = os.pipe()
    os.write(writing, b"x" * 20_000)
    LogRoom(writing).look(10 * KIB, 0)
    assert os.read(reading, 100_000) == b"x" * 20_000
    os.close(reading)
    os.close(writing)


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_log(tmp_path / "log") == (b"", 0)
