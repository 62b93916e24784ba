"""Writing files and folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.files.failure import cannot_write
from envsync.files.reading import NO_LINK
from envsync.files.removal import remove

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

_PARTIAL = ".partial"
_FROM_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE


def write_atomically(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write *content*, or its pieces, to *path* in one step; on failure *path* is unchanged.

    It is written through the descriptor that created the new file, so nobody with write access to
    the folder can redirect it with a link.

    Raises:
        EnvsyncError: the disk is full, or the directory can't be written to.
    """
    try:
        with _make_aside(path, folder=False) as (aside, hold):
            with _open_made(aside, hold) as stream:
                stream.writelines((content,) if isinstance(content, bytes) else content)
                stream.flush()
                os.fsync(stream.fileno())
                os.chmod(aside if hold is None else hold, _mode_for(path))  # noqa: PTH101  # by descriptor
            aside.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error


@contextlib.contextmanager
def make_aside(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """Yield a new file, or a *folder*, beside *path*, to be filled and moved there.

    If it was not moved, it is removed. If the process dies, `remove_left_over` removes it later.
    """
    with _make_aside(path, folder=folder) as (aside, _):
        yield aside


@contextlib.contextmanager
def make_temporary() -> Iterator[Path]:
    """Yield a new folder in the system's temporary directory, and remove it at the end.

    Its name can't be guessed, and only this user may enter it. Folders that killed processes of
    this user left are removed first.
    """
    import tempfile  # noqa: PLC0415  # slow to load, and most commands only read

    with contextlib.ExitStack() as stack:
        try:
            place = Path(tempfile.gettempdir()) / "envsync"
            remove_left_over(place)
            folder = stack.enter_context(make_aside(place, folder=True))
        except OSError as error:
            raise cannot_write(Path(tempfile.tempdir or "/tmp"), error) from error  # noqa: S108
        yield folder


def make_lasting_aside(path: Path) -> Path:
    """Return a new folder beside *path* for as long as this process lives, or what it becomes.

    It stays after that, until `remove_left_over`.
    """
    aside, hold = _make_held(path, folder=True)
    if hold is not None:
        os.set_inheritable(hold, True)  # noqa: FBT003  # the library's signature
    return aside


def remove_left_over(path: Path) -> None:
    """Remove what `make_aside` created for *path* in processes that are dead by now.

    Other users may write to the folder too. What isn't this user's, and what is neither a file
    nor a folder, is not opened.
    """
    import glob  # noqa: PLC0415  # only here

    for left in path.parent.glob(f".{glob.escape(path.name)}.*{_PARTIAL}"):
        with contextlib.suppress(OSError):  # one that is in use, gone meanwhile, or not ours
            hold = _open_left_over(left)
            if hold is not None:
                _hold(hold, left, wait=False)
            try:
                remove(left)
            finally:
                if hold is not None:
                    os.close(hold)


def exchange(one: Path, other: Path) -> bool:
    """Exchange *one* and *other* in one step; return False if the system can't."""
    import ctypes  # noqa: PLC0415  # only here

    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2  # Linux has it, with glibc 2.28
    except (AttributeError, OSError, TypeError):
        return False
    names = os.fsencode(one.absolute()), os.fsencode(other.absolute())
    return bool(rename(_FROM_HERE, names[0], _FROM_HERE, names[1], _EXCHANGE) == 0)


def _mode_for(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


@contextlib.contextmanager
def _make_aside(path: Path, *, folder: bool) -> Iterator[tuple[Path, int | None]]:
    aside, hold = _make_held(path, folder=folder)
    try:
        yield aside, hold
    finally:
        remove(aside)
        if hold is not None:
            os.close(hold)


def _make_held(path: Path, *, folder: bool) -> tuple[Path, int | None]:
    """Return a new file or *folder* beside *path*, and what shows others that it is in use."""
    import tempfile  # noqa: PLC0415  # slow to load, and most commands only read

    while True:
        prefix = f".{path.name}."
        handle: int | None = None
        if folder:
            aside = Path(tempfile.mkdtemp(prefix=prefix, suffix=_PARTIAL, dir=path.parent))
        else:
            handle, name = tempfile.mkstemp(prefix=prefix, suffix=_PARTIAL, dir=path.parent)
            aside = Path(name)
        if os.name != "posix":
            if handle is not None:
                os.close(handle)
            return aside, None
        with contextlib.suppress(FileNotFoundError):
            held = os.open(aside, os.O_RDONLY | NO_LINK) if handle is None else handle
            _hold(held, aside, wait=True)
            return aside, held
        # Another process took it for left over, in the moment before it was held.


def _open_left_over(path: Path) -> int | None:
    """Return a descriptor of *path*, which where there are no locks is None.

    Raises:
        PermissionError: it isn't a file or a folder of this user.
    """
    if os.name != "posix":
        return None
    found = path.lstat()
    kind = stat.S_IFMT(found.st_mode)
    if found.st_uid != os.geteuid() or kind not in {stat.S_IFREG, stat.S_IFDIR}:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
    return os.open(path, os.O_RDONLY | NO_LINK)


def _hold(descriptor: int, path: Path, *, wait: bool) -> None:
    """Lock *descriptor*; it is closed where that fails.

    Raises:
        BlockingIOError: another process holds it, and this one does not *wait*.
        FileNotFoundError: at *path* is something else by now, or nothing.
    """
    import fcntl  # noqa: PLC0415  # POSIX alone has it

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        held, found = os.fstat(descriptor), path.lstat()
        if (held.st_dev, held.st_ino) != (found.st_dev, found.st_ino):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    except OSError:
        os.close(descriptor)
        raise


def _open_made(path: Path, hold: int | None) -> BinaryIO:
    return path.open("wb") if hold is None else os.fdopen(hold, "wb", closefd=False)
