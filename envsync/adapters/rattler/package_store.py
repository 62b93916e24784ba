"""The unpacked packages in rattler's cache: each is checked before it is linked."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Any

from rattler.package_streaming import download_and_extract

from envsync.adapters.rattler.failure import (
    RETRIES,
    explain_install,
    explain_other_bytes,
    is_cut_short,
)
from envsync.adapters.rattler.record import to_record
from envsync.errors import EnvsyncError
from envsync.files import cannot_write, make_aside, read_regular, remove_left_over, remove_tree
from envsync.image.store.notes import Notes
from envsync.package.unpacked import (
    METADATA,
    PackageContent,
    PackageFaultError,
    read_package,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rattler.networking import Client

    from envsync.model.lockfile import LockedPackage

_CHECKS = 3  # counts up whenever packages are checked for more than before
_STAGING = "envsync"
_REVISION, _SHA256 = 8, 32  # bytes of rattler's note beside a package


class PackageStore:
    """The packages below *root*, where all of rattler's tools keep theirs.

    What was found out of each is noted below *notes*, so that it is read once.
    """

    def __init__(self, root: Path, notes: Path) -> None:
        self._root = root
        self._notes = Notes(notes)

    def find(self, package: LockedPackage, *, reads_bytes: bool) -> PackageContent | None:
        """Return what *package* would put where, None where that archive is not unpacked here.

        Raises:
            PackageFaultError: it is damaged, or unsafe.
        """
        folder, beside = self.folder(package), self._beside(package)
        if beside.is_symlink():  # rattler would follow it
            beside.unlink()
        note = self._read_note(package)
        if not self._is_of_archive(package, note):
            return None
        known = _parse_content(note) if note is not None and not reads_bytes else None
        if known is not None:
            return known
        content = read_package(folder, package, reads_bytes=reads_bytes)
        if note is None or not reads_bytes:  # there was none that tells
            # What a lock says of the md5 was not compared with an archive.
            self._write_note(package, content, note.get("md5") if note is not None else None)
        return content

    def folder(self, package: LockedPackage) -> Path:
        """Return where *package* lies, or would."""
        return self._root / _name(package)

    async def fetch(
        self,
        packages: Sequence[LockedPackage],
        *,
        client: Client,
        at_once: int,
        advance: Callable[[], None],
    ) -> list[PackageContent]:
        """Unpack *packages* and return what they would put where; call *advance* after each.

        Raises:
            PackageFaultError: one is damaged, or unsafe; it does not get into the cache.
            EnvsyncError: one can't be had, or is not the archive that was locked.
        """
        with self._make_staging() as staging:
            semaphore = asyncio.Semaphore(at_once)

            async def fetch(number: int, package: LockedPackage) -> PackageContent:
                async with semaphore:
                    place = staging / str(number)
                    md5 = await _unpack(package, place, client)
                    content = await asyncio.to_thread(self._keep, package, place, md5)
                    advance()
                    return content

            tasks = [asyncio.ensure_future(fetch(*each)) for each in enumerate(packages)]
            try:
                return await asyncio.gather(*tasks)
            except BaseException:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                raise

    @contextlib.contextmanager
    def _make_staging(self) -> Iterator[Path]:
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            remove_left_over(self._root / _STAGING)
            staging = make_aside(self._root / _STAGING, folder=True)
        except OSError as error:
            raise cannot_write(self._root, error) from error
        with staging as folder:
            yield folder

    def _keep(self, package: LockedPackage, staged: Path, md5: str) -> PackageContent:
        """Check what was *staged*, and move it to its place."""
        content = read_package(staged, package)
        try:
            with self._lock():
                self._place(package, staged)
                self._write_note(package, content, md5)
        except OSError as error:
            raise cannot_write(self._root, error) from error
        return content

    def _place(self, package: LockedPackage, staged: Path) -> None:
        folder, beside = self.folder(package), self._beside(package)
        with contextlib.suppress(PackageFaultError):
            if self.find(package, reads_bytes=True) is not None:
                return  # another process was faster, and may be linking it
        _remove(folder)
        revision = int.from_bytes(self._read_beside(package)[:_REVISION], "big") + 1
        with make_aside(beside) as aside:
            sha256 = bytes.fromhex(package.sha256 or "")
            aside.write_bytes(revision.to_bytes(_REVISION, "big") + sha256)
            aside.replace(beside)
        staged.rename(folder)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """Hold the lock that rattler holds while it links."""
        import fcntl  # noqa: PLC0415  # POSIX alone has it

        path = self._root / ".cache.lock"
        if path.is_symlink():
            path.unlink()
        with path.open("ab") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def _is_of_archive(self, package: LockedPackage, note: dict[str, Any] | None) -> bool:
        if not self.folder(package).is_dir():
            return False
        if package.sha256 is None:
            return note is not None and note.get("md5") == package.md5
        found = self._read_beside(package)[_REVISION : _REVISION + _SHA256]
        return found.hex() == package.sha256

    def _read_beside(self, package: LockedPackage) -> bytes:
        """Return rattler's own note of *package*: a revision, and the hash of its archive."""
        try:
            return read_regular(self._beside(package), most=_REVISION + _SHA256)
        except (OSError, ValueError):
            return b""

    def _beside(self, package: LockedPackage) -> Path:
        return self._root / f"{_name(package)}.lock"

    def _read_note(self, package: LockedPackage) -> dict[str, Any] | None:
        """Return what was found out of *package*, None where that is not what lies there now."""
        note = self._notes.read(_name(package))
        if not isinstance(note, dict) or note.get("stamp") != self._stamp(package):
            return None
        return note

    def _write_note(self, package: LockedPackage, content: PackageContent, md5: str | None) -> None:
        note = {
            "stamp": self._stamp(package),
            "md5": md5,
            "is_noarch": content.is_noarch,
            "folders": sorted(content.folders),
            "links": dict(content.links),
            "commands": list(content.commands),
            "programs": sorted(content.programs),
        }
        with contextlib.suppress(EnvsyncError):  # it is read again next time
            self._notes.write(_name(package), note)

    def _stamp(self, package: LockedPackage) -> list[object]:
        """Return what changes when *package*, or what it says of itself, is replaced."""
        folder = str(self.folder(package))
        places = (folder, f"{folder}/info", *(f"{folder}/{name}" for name in METADATA))
        return [_CHECKS, folder, *(_fingerprint(place) for place in places)]


def _name(package: LockedPackage) -> str:
    return f"{package.name}-{package.version}-{package.build}"


def _parse_content(note: dict[str, Any]) -> PackageContent | None:
    """Return what *note* tells of a package, None where it tells something else."""
    links, is_noarch = note.get("links"), note.get("is_noarch")
    lists = [note.get(key) for key in ("folders", "commands", "programs")]
    texts = [item for each in lists if isinstance(each, list) for item in each]
    if not isinstance(links, dict) or not all(isinstance(each, list) for each in lists):
        return None
    if not all(isinstance(item, str) for item in (*texts, *links.values())):
        return None
    folders, commands, programs = (tuple(each or ()) for each in lists)
    return PackageContent(
        is_noarch=is_noarch is True,
        folders=frozenset(folders),
        links=links,
        commands=commands,
        programs=frozenset(programs),
    )


def _fingerprint(path: str) -> list[int]:
    try:
        found = os.lstat(path)
    except OSError:
        return []
    return [found.st_ino, found.st_mode, found.st_mtime_ns, found.st_ctime_ns]


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        remove_tree(path)


async def _unpack(package: LockedPackage, place: Path, client: Client) -> str:
    """Unpack *package* in the new folder *place*; return the md5 of its archive."""
    url = str(to_record(package).url)
    sha256, md5 = await _download(package, url, place, client)
    found, wanted = (sha256, package.sha256) if package.sha256 else (md5, package.md5)
    if found.hex() != wanted:
        raise explain_other_bytes(package, found.hex(), wanted or "")
    return md5.hex()


async def _download(
    package: LockedPackage, url: str, place: Path, client: Client, *, tries: int = RETRIES
) -> tuple[bytes, bytes]:
    """Unpack what lies at *url* in *place*, from the start again where it was cut short."""
    try:
        return await download_and_extract(client, url, place)
    except OSError as error:
        if not tries or not is_cut_short(error):
            raise explain_install((package,), error) from error
    remove_tree(place)
    return await _download(package, url, place, client, tries=tries - 1)
