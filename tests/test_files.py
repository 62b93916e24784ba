from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from envsync.errors import EnvsyncError
from envsync.files import (
    cannot_write,
    exchange,
    lock_directory,
    make_aside,
    make_temporary,
    open_regular,
    remove_left_over,
    remove_tree,
    write_atomically,
)

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


@pytest.mark.parametrize("folder", [False, True])
def test_what_a_killed_process_left_is_removed_and_what_is_in_use_is_not(
    tmp_path: Path, *, folder: bool
) -> None:
    code = (
        "import pathlib, sys, time\n"
        "from envsync.files import make_aside\n"
        f"with make_aside(pathlib.Path('x'), folder={folder}):\n"
        "    print('made', flush=True)\n"
        "    time.sleep(60)\n"
    )
    (tmp_path / ".x.mine").write_text("no business of ours")
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"made\n"
        remove_left_over(tmp_path / "x")
        during = len(list(tmp_path.glob(".x.*.partial")))
        process.send_signal(signal.SIGKILL)
        process.wait()
    after = len(list(tmp_path.glob(".x.*.partial")))
    remove_left_over(tmp_path / "x")

    assert (during, after) == (1, 1)
    assert [path.name for path in tmp_path.iterdir()] == [".x.mine"]


def test_temporary_files_of_a_killed_process_go_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import os\n"
        "from envsync.files import make_temporary\n"
        "with make_temporary() as folder:\n"
        "    (folder / 'x').touch()\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    subprocess.run([sys.executable, "-c", code], check=False)
    left = len(list(tmp_path.iterdir()))
    with make_temporary() as folder:
        during = list(tmp_path.iterdir())

    assert (left, during) == (1, [folder])
    assert list(tmp_path.iterdir()) == []


def test_two_folders_trade_places(tmp_path: Path) -> None:
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "b").mkdir()

    assert exchange(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b" / "deep").is_dir()
    assert list((tmp_path / "a").iterdir()) == []
    assert not exchange(tmp_path / "a", tmp_path / "none")


@pytest.mark.parametrize("folder", [False, True])
def test_what_is_made_aside_and_not_moved_is_gone(tmp_path: Path, *, folder: bool) -> None:
    with make_aside(tmp_path / "moved", folder=folder) as aside:
        aside.replace(tmp_path / "moved")
    with make_aside(tmp_path / "left", folder=folder) as aside:
        assert aside.exists()

    assert [path.name for path in tmp_path.iterdir()] == ["moved"]


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        (errno.ENOSPC, "free some space there, and run this again"),
        (errno.EROFS, "choose a place that you may write to"),
        (errno.ENOENT, "create the folder for it"),
        (errno.EIO, None),
    ],
)
def test_a_file_that_cannot_be_written_comes_with_what_to_do(
    tmp_path: Path, code: int, hint: str | None
) -> None:
    assert cannot_write(tmp_path, OSError(code, "it broke")).hint == hint


def test_a_fifo_and_links_that_look_left_over_are_neither_opened_nor_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "precious").touch()
    shared = tmp_path / "shared"
    shared.mkdir()
    os.mkfifo(shared / ".envsync.x.partial")
    (shared / ".envsync.y.partial").symlink_to(mine)
    (shared / ".envsync.z.partial").symlink_to(mine / "precious")
    (shared / "envsync").symlink_to(mine)
    monkeypatch.setattr("tempfile.tempdir", str(shared))
    before = sorted(shared.iterdir())

    with make_temporary() as folder:
        mode = folder.stat().st_mode & 0o777
        (folder / "x").touch()

    assert mode == 0o700
    assert sorted(shared.iterdir()) == before
    assert [path.name for path in mine.iterdir()] == ["precious"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_another_user_left_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / ".x.theirs.partial").mkdir()
    (tmp_path / ".x.file.partial").touch()
    for path in tmp_path.iterdir():
        os.chown(path, 12345, 12345)
    (tmp_path / ".x.ours.partial").mkdir()

    remove_left_over(tmp_path / "x")

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".x.file.partial",
        ".x.theirs.partial",
    ]


def test_a_link_that_takes_the_place_of_the_new_file_is_not_written_through(
    tmp_path: Path,
) -> None:
    (tmp_path / "precious").write_text("mine")
    shared = tmp_path / "shared"
    shared.mkdir()

    def pieces():  # type: ignore[no-untyped-def]  # noqa: ANN202
        yield b"a"
        (aside,) = shared.glob(".x.*.partial")
        aside.unlink()
        aside.symlink_to(tmp_path / "precious")
        yield b"b"

    write_atomically(shared / "x", pieces())

    assert (tmp_path / "precious").read_text() == "mine"
    assert (tmp_path / "precious").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("kind", ["link", "dangling link", "fifo", "folder"])
def test_what_is_no_file_is_not_taken_for_a_lock(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "d"
    lock = folder / ".envsync.lock"
    folder.mkdir()
    (tmp_path / "precious").touch()
    if kind == "fifo":
        os.mkfifo(lock)
    elif kind == "folder":
        lock.mkdir()
    else:
        lock.symlink_to(tmp_path / ("precious" if kind == "link" else "new"))
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(EnvsyncError) as caught, lock_directory(folder):
        pass

    assert caught.value.message.startswith(f"Cannot write `{lock}`: ")
    assert caught.value.hint == "move away what is in its place"
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_that_another_user_made_where_all_may_write_is_not_used(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "d").mkdir()
    os.chown(shared / "d", 12345, 12345)
    with lock_directory(shared / "d"):  # a folder that a team shares
        pass
    (shared / "d" / ".envsync.lock").unlink()
    shared.chmod(0o1777)

    with pytest.raises(EnvsyncError, match="another user created it"), lock_directory(shared / "d"):
        pass

    assert list((shared / "d").iterdir()) == []


def test_a_lock_of_a_process_that_was_killed_is_taken(tmp_path: Path) -> None:
    hold = "import sys, time, pathlib\nfrom envsync.files import lock_directory\n"
    hold += (
        "with lock_directory(pathlib.Path(sys.argv[1])):\n    print(flush=True)\n    time.sleep(60)"
    )
    command = [sys.executable, "-c", hold, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(BlockingIOError), lock_directory(tmp_path, waits=False):
            pass
        other.kill()
    with lock_directory(tmp_path, waits=False):
        found = list(tmp_path.iterdir())

    assert [path.name for path in found] == [".envsync.lock"]
    assert stat.S_ISREG(found[0].stat().st_mode)


def test_only_a_regular_file_is_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")

    with open_regular(tmp_path / "link") as stream:
        assert stream.read() == b"x"
    for name in ("fifo", "."):
        with pytest.raises(OSError, match=r"not a regular file|Is a directory"):
            open_regular(tmp_path / name)


@pytest.mark.parametrize("kind", ["pipe", "link", "file"])
def test_what_is_no_folder_is_removed_without_being_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    (tmp_path / "kept").mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(tmp_path / "kept")
    else:
        path.touch()

    remove_tree(path)

    assert [it.name for it in tmp_path.iterdir()] == ["kept"]


def test_locks_and_definitions_are_read_where_the_system_lacks_the_flags_of_posix(
    tmp_path: Path,
) -> None:
    definition = tmp_path / "environment.yml"
    definition.write_text("name: x\ndependencies: [python=3.11]\n")
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "for name in ('O_NONBLOCK', 'O_CLOEXEC', 'O_NOFOLLOW'):\n    delattr(os, name)\n"
        "from envsync.cli import main\nfrom envsync.lock.reader import read_lock_text\n"
        "read_lock_text(Path(sys.argv[1]))\nmain(['validate', sys.argv[1]])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, str(definition)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
