"""Every file that the indexes have of packages whose versions are known."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from envsync import process
from envsync.adapters.uv.build_gate import gate_builds, refuse_build
from envsync.adapters.uv.program import command, environment, find_target, tell
from envsync.adapters.uv.selection import read_packages
from envsync.errors import EnvsyncError
from envsync.files import make_temporary
from envsync.lock.formats.pylock import IndexedFile
from envsync.model.channel import redact_url
from envsync.model.repository import list_git_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.pylock import Package

    from envsync.adapters.uv.origin import PipOrigin
    from envsync.model.lockfile import LockedPackage
    from envsync.model.network import Network
    from envsync.solve.python_target import PythonTarget


class UvIndex:
    """Asks the indexes of *origin* what they have; with *offline* what uv has seen of them."""

    def __init__(
        self, origin: PipOrigin, *, offline: bool = False, network: Network | None = None
    ) -> None:
        self._origin = origin
        self._network = network
        self._is_offline = offline

    def list_files(
        self, packages: Sequence[LockedPackage], target: PythonTarget
    ) -> dict[str, tuple[IndexedFile, ...]]:
        """Return the files of each of *packages*, by name, that will do for *target*.

        All are for the target's subdir.

        Raises:
            EnvsyncError: an index can't be reached, or no longer has a package.
        """
        settings = self._origin.list_index_settings()
        credentials = self._origin.list_git_credentials()
        environ = {
            **environment(self._network),
            **settings,
            **list_git_settings(credentials, os.environ),
        }
        with (
            make_temporary() as folder,
            gate_builds(folder / "gate", environ, refuse_build) as gated,
        ):
            output = folder / "pylock.toml"
            done = process.run(
                [
                    *command("pip", "compile", "-", "--quiet", "--format", "pylock.toml"),
                    *("--no-deps", "--no-header", "--prerelease", "allow"),
                    *("--python", sys.executable, "--python-version", target.version),
                    *("--python-platform", find_target(target.subdir, target.glibc)),
                    *("--index-strategy", "unsafe-best-match", "--output-file", str(output)),
                    *(("--offline",) if self._is_offline else ()),
                ],
                cwd=self._origin.start,
                env=gated,
                stdin="\n".join((*self._origin.list_kinds(), *map(_pin, packages))),
            )
            if done.status != 0:
                raise EnvsyncError("; ".join(tell(done)))
            found = read_packages(output.read_text(encoding="utf-8"))
        return {canonicalize_name(each.name): tuple(_list_files(each)) for each in found}


def _pin(package: LockedPackage) -> str:
    return f"{package.name}=={package.version}"


def _list_files(package: Package) -> Iterator[IndexedFile]:
    for file in (*((package.sdist,) if package.sdist else ()), *(package.wheels or ())):
        sha256 = file.hashes.get("sha256")
        if file.url is not None and sha256 is not None:
            yield IndexedFile(url=redact_url(file.url), sha256=sha256)
