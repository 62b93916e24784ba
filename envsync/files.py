"""Files that appear whole or not at all, and a lock on a directory."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TRIES = 5
_PAUSE = 0.05  # seconds
_PARTIAL = ".partial"
_FROM_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE
_NO_ROOM = "free some space there, and run this again"
_NO_PERMISSION = "choose a place that you may write to"
_IN_THE_WAY = "move away what is in its place"
_HINTS = {
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
    errno.EACCES: _NO_PERMISSION,
    errno.EPERM: _NO_PERMISSION,
    errno.EROFS: _NO_PERMISSION,
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EISDIR: _IN_THE_WAY,
    errno.ENOENT: "make the folder that it is to lie in",
}


def write_atomically(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Put *content*, or its pieces, at *path* in one step; on failure *path* is as before.

    Raises:
        EnvsyncError: the disk is full, or the directory can't be written to.
    """
    try:
        with make_aside(path) as aside:
            with aside.open("wb") as stream:
                stream.writelines((content,) if isinstance(content, bytes) else content)
                stream.flush()
                os.fsync(stream.fileno())
            aside.chmod(_mode_for(path))
            aside.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error


@contextlib.contextmanager
def make_aside(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """Give a new file, or a *folder*, beside *path*, to be filled and moved there.

    What was not moved is removed. Where the process dies it stays, until `remove_left_over`.
    """
    aside, hold = _make_held(path, folder=folder)
    try:
        yield aside
    finally:
        _remove(aside)
        if hold is not None:
            os.close(hold)


@contextlib.contextmanager
def make_temporary() -> Iterator[Path]:
    """Give a new folder where the system keeps what nobody needs later.

    It is removed in the end. One that a killed process of this user left goes before.

    Raises:
        EnvsyncError: there is no room, or no permission.
    """
    import tempfile  # noqa: PLC0415  # it takes longer than most that only reads

    with contextlib.ExitStack() as stack:
        try:
            place = Path(tempfile.gettempdir()) / "envsync"
            remove_left_over(place)
            folder = stack.enter_context(make_aside(place, folder=True))
        except OSError as error:
            raise cannot_write(Path(tempfile.tempdir or "/tmp"), error) from error  # noqa: S108
        yield folder


def open_regular(path: Path, *, follows: bool = True) -> BinaryIO:
    """Open the file at *path*, which others may have put there, to be read.

    What is no file, such as a pipe that nobody writes to, is not waited for. A link to it counts
    unless it *follows* none.

    Raises:
        OSError: it can't be read, or is no file.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)
    flags |= 0 if follows else getattr(os, "O_NOFOLLOW", 0)
    stream = os.fdopen(os.open(path, flags), "rb")
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise OSError(errno.EINVAL, "It is not a file", str(path))
    return stream


def read_regular(path: Path, *, most: int) -> bytes:
    """Return the bytes of the file at *path*, to which no link is followed, *most* at most.

    Raises:
        OSError: it can't be read, or is no file.
        ValueError: it is larger.
    """
    with open_regular(path, follows=False) as stream:
        content = stream.read(min(os.fstat(stream.fileno()).st_size, most) + 1)
    if len(content) > most:
        raise ValueError(f"It has more than {most} bytes")
    return content


def make_lasting_aside(path: Path) -> Path:
    """Return a new folder beside *path* for as long as this process lives, or what it becomes.

    It stays after that, until `remove_left_over`.
    """
    aside, hold = _make_held(path, folder=True)
    if hold is not None:
        os.set_inheritable(hold, True)  # noqa: FBT003  # the library's signature
    return aside


def remove_left_over(path: Path) -> None:
    """Remove what `make_aside` made for *path* in processes that are dead, and in no other."""
    import glob  # noqa: PLC0415  # only here

    for left in path.parent.glob(f".{glob.escape(path.name)}.*{_PARTIAL}"):
        with contextlib.suppress(OSError):  # one that is in use, or gone meanwhile
            hold = _hold(left, wait=False)
            _remove(left)
            if hold is not None:
                os.close(hold)


def exchange(one: Path, other: Path) -> bool:
    """Let *one* and *other* trade places in one step; return False where that can't be done."""
    import ctypes  # noqa: PLC0415  # only here

    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2  # Linux has it, with glibc 2.28
    except (AttributeError, OSError, TypeError):
        return False
    names = os.fsencode(one.absolute()), os.fsencode(other.absolute())
    return bool(rename(_FROM_HERE, names[0], _FROM_HERE, names[1], _EXCHANGE) == 0)


def check_parent(path: Path) -> None:
    """Refuse *path* where there is no folder for it to lie in.

    Raises:
        EnvsyncError: there is none.
    """
    if not path.parent.is_dir():
        code = errno.ENOTDIR if path.parent.exists() else errno.ENOENT
        raise cannot_write(path, OSError(code, os.strerror(code)))


def cannot_write(path: Path, error: OSError) -> EnvsyncError:
    """Return the error that tells why *path* can't be written, and what to do."""
    hint = _HINTS.get(error.errno or 0)
    return EnvsyncError(f"Cannot write `{path}`: {error.strerror or error}", hint=hint)


def remove_tree(path: Path) -> None:
    """Delete the directory *path* and all below it; one that isn't there is no error.

    An engine that failed may still be writing into it for a moment, so it is tried again. What
    can't be deleted at last is left: whoever clears up must not hide why.
    """
    import shutil  # noqa: PLC0415  # with it come all of its archive formats

    for _ in range(_TRIES):
        try:
            shutil.rmtree(path, ignore_errors=True)
        except RecursionError:
            with contextlib.suppress(OSError):
                _flatten(path)
            continue
        if not path.exists():
            return
        time.sleep(_PAUSE)


def _flatten(folder: Path) -> None:
    """Remove what is in *folder*, however deep its folders lie in each other.

    Those in its folders are moved up, again and again: no path gets longer, and no call deeper.
    """
    token, moved = os.urandom(4).hex(), 0
    while True:
        with os.scandir(folder) as entries:
            below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        if not below:
            return
        for path in below:
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        moved += 1
                        os.rename(entry.path, folder / f"{token}-{moved}")  # noqa: PTH104
                    else:
                        os.unlink(entry.path)  # noqa: PTH108
            os.rmdir(path)  # noqa: PTH106


@contextlib.contextmanager
def lock_directory(path: Path, *, waits: bool = True) -> Iterator[None]:
    """Hold an exclusive lock on the directory *path*, which is made if it isn't there.

    Another process that holds it is waited for. The system releases it if the process dies.

    Raises:
        BlockingIOError: another process holds it, and this one *waits* not.
        EnvsyncError: the directory can't be made or written to.
    """
    import fcntl  # noqa: PLC0415  # POSIX alone has it; Windows needs msvcrt here

    try:
        path.mkdir(parents=True, exist_ok=True)
        stream = (path / ".envsync.lock").open("ab")
    except OSError as error:
        raise cannot_write(path, error) from error
    with stream:
        fcntl.flock(stream, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _mode_for(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _make_held(path: Path, *, folder: bool) -> tuple[Path, int | None]:
    """Return a new file or *folder* beside *path*, and what shows others that it is in use."""
    import tempfile  # noqa: PLC0415  # it takes longer than most that only reads

    while True:
        prefix = f".{path.name}."
        if folder:
            aside = Path(tempfile.mkdtemp(prefix=prefix, suffix=_PARTIAL, dir=path.parent))
        else:
            handle, name = tempfile.mkstemp(prefix=prefix, suffix=_PARTIAL, dir=path.parent)
            os.close(handle)
            aside = Path(name)
        with contextlib.suppress(FileNotFoundError):
            hold = _hold(aside, wait=True)
            if aside.exists():
                return aside, hold
        # Another process took it for left over, in the moment before it was held.


def _hold(path: Path, *, wait: bool) -> int | None:
    """Return a descriptor of *path* that is locked, which where there is no such thing is None."""
    if os.name != "posix":
        return None
    import fcntl  # noqa: PLC0415  # POSIX alone has it

    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
    else:
        path.unlink(missing_ok=True)
