from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from envsync.errors import EnvsyncError
from envsync.files import lock_directory, remove_tree, write_atomically

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_keeps_its_mode_and_its_folder_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(0o640)

    write_atomically(path, b"new")

    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_may_come_in_pieces(tmp_path: Path) -> None:
    write_atomically(tmp_path / "x", iter([b"a", b"b"]))

    assert (tmp_path / "x").read_bytes() == b"ab"


def test_pieces_that_stop_coming_leave_the_old_file(tmp_path: Path) -> None:
    def pieces():  # type: ignore[no-untyped-def]  # noqa: ANN202
        yield b"a"
        raise OSError(28, "No space left on device")

    (tmp_path / "x").write_text("old")

    with pytest.raises(EnvsyncError, match="No space left on device"):
        write_atomically(tmp_path / "x", pieces())

    assert (tmp_path / "x").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EnvsyncError, match=r"Cannot write `.*x`: No such file or directory"):
        write_atomically(tmp_path / "none" / "x", b"")


def test_a_tree_goes_with_all_below_it(tmp_path: Path) -> None:
    (tmp_path / "tree" / "deep").mkdir(parents=True)

    remove_tree(tmp_path / "tree")
    remove_tree(tmp_path / "tree")

    assert list(tmp_path.iterdir()) == []


def test_one_holds_a_lock_at_a_time(tmp_path: Path) -> None:
    order: list[str] = []
    held = threading.Event()

    def second() -> None:
        held.wait()
        with lock_directory(tmp_path / "d"):
            order.append("second")

    other = threading.Thread(target=second)
    other.start()
    with lock_directory(tmp_path / "d"):
        held.set()
        other.join(timeout=0.2)
        order.append("first")
    other.join()

    assert order == ["first", "second"]


def test_a_lock_where_nothing_can_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with (
        pytest.raises(EnvsyncError, match="Cannot write"),
        lock_directory(tmp_path / "file" / "d"),
    ):
        pass
