"""Installing locked pip packages."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from envsync import process
from envsync.adapters.uv.program import NEWEST_GLIBC, command, environment, find_target, tell
from envsync.errors import EnvsyncError
from envsync.lock.pylock import dump_pylock

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envsync.model.lockfile import LockedPackage

_INDEX = re.compile(r"--(?:extra-)?index-url[\s=]+(\S+)")


class UvInstaller:
    """Puts locked pip packages into a prefix that has a Python.

    *options* are the definition's pip options, for the credentials that its indexes may hold:
    the addresses in a lock have none.
    """

    def __init__(self, options: Sequence[str] = ()) -> None:
        self._indexes = _list_indexes(options)

    def install(self, packages: Sequence[LockedPackage], *, python: Path) -> None:
        """Install *packages* and nothing else, each archive held against its sha256.

        Raises:
            EnvsyncError: an archive can't be fetched, is not the one that was locked, or can't
                be installed.
        """
        options = ("--python", str(python), "--break-system-packages")
        _install(packages, options, self._indexes)


class UvUnpacker:
    """Puts locked pip packages, of whatever machine and Python, where they can be read.

    *options* are as those of `UvInstaller`.
    """

    def __init__(self, options: Sequence[str] = ()) -> None:
        self._indexes = _list_indexes(options)

    def unpack(
        self, packages: Sequence[LockedPackage], *, target: Path, python_version: str
    ) -> Path:
        """Install *packages* into the new virtual environment *target*; return where they lie.

        Nothing of theirs is run, but for an archive that must be built first.

        Raises:
            EnvsyncError: an archive can't be fetched, or is not the one that was locked.
        """
        made = process.run(
            command("venv", "--quiet", "--python", sys.executable, str(target)), env=environment()
        )
        if made.status != 0:
            raise EnvsyncError(f"uv can't make a folder for packages: {'; '.join(tell(made))}")
        machine = find_target(packages[0].subdir, NEWEST_GLIBC)
        for_it = ("--python-platform", machine, "--python-version", python_version)
        options = ("--python", str(target / "bin" / "python"), *for_it)
        _install(packages, options, self._indexes)
        return next(target.glob("lib/python*/site-packages"))


def _list_indexes(options: Iterable[str]) -> list[str]:
    return [match[1] for option in options if (match := _INDEX.match(option))]


def _install(
    packages: Sequence[LockedPackage], options: Sequence[str], indexes: Sequence[str]
) -> None:
    with tempfile.TemporaryDirectory(prefix="envsync-") as name:
        pylock = Path(name) / "pylock.toml"
        pylock.write_text(dump_pylock(packages), encoding="utf-8")
        words = command("pip", "install", "--quiet", "--no-deps", "--require-hashes", *options)
        done = process.run(
            [*words, "--requirement", str(pylock)],
            # not among the arguments, which every user of the machine can list
            env={**environment(), "UV_EXTRA_INDEX_URL": " ".join(indexes)},
        )
    if done.status != 0:
        lines = (f"  {line}" for line in tell(done))
        raise EnvsyncError("\n".join(("Cannot install the pip packages", *lines)))
