"""Installing locked pip packages."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from envsync import process
from envsync.adapters.uv.direct_url import name_repositories
from envsync.adapters.uv.origin import PipOrigin
from envsync.adapters.uv.program import NEWEST_GLIBC, command, environment, find_target, tell
from envsync.errors import EnvsyncError
from envsync.lock.pylock import dump_pylock, is_wheel
from envsync.model.repository import list_git_settings, parse_repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envsync.model.lockfile import LockedPackage
    from envsync.model.network import Network
    from envsync.solve.request import RepositoryStore

_OFFLINE = "Network connectivity is disabled"
_WRONG_WHEEL = "is not compatible with the target Python"


class UvInstaller:
    """Puts locked pip packages into a prefix that has a Python.

    *origin* is what the definition says of their places, *repositories* has those from git.
    Unless it *trusts_cache*, it takes nothing from uv's; with *offline* it takes nothing else.
    """

    def __init__(
        self,
        repositories: RepositoryStore,
        origin: PipOrigin | None = None,
        *,
        trusts_cache: bool = True,
        offline: bool = False,
        network: Network | None = None,
    ) -> None:
        self._archives = _Archives(repositories, origin or PipOrigin(), network)
        self._options = (
            *(() if trusts_cache else ("--no-cache",)),
            *(("--offline",) if offline else ()),
        )

    def install(self, packages: Sequence[LockedPackage], *, python: Path) -> None:
        """Install *packages* and nothing else, each archive held against its sha256.

        Raises:
            EnvsyncError: an archive can't be fetched, is not the one that was locked, or can't
                be installed.
        """
        self._archives.install(
            packages, "--python", str(python), "--break-system-packages", *self._options
        )
        prefix = python.parent.parent
        for site_packages in prefix.glob("lib/python*/site-packages"):
            if not site_packages.parent.is_symlink():
                name_repositories(site_packages, self._archives.given)


class UvUnpacker:
    """Puts locked pip packages, of whatever machine and Python, where they can be read.

    The arguments are as those of `UvInstaller`.
    """

    def __init__(
        self,
        repositories: RepositoryStore,
        origin: PipOrigin | None = None,
        *,
        network: Network | None = None,
    ) -> None:
        self._archives = _Archives(repositories, origin or PipOrigin(), network)

    def unpack(
        self,
        packages: Sequence[LockedPackage],
        *,
        target: Path,
        python_version: str,
        python: Path | None = None,
    ) -> Path:
        """Install *packages* into the new virtual environment *target*; return where they lie.

        Nothing of theirs is run, but for source code, which is built with *python*, or with this
        process's own where there is none.

        Raises:
            EnvsyncError: an archive can't be fetched, or is not the one that was locked, or
                builds to what the target can't use.
        """
        made = process.run(
            command("venv", "--quiet", "--python", str(python or sys.executable), str(target)),
            env=environment(),
        )
        if made.status != 0:
            raise EnvsyncError(f"uv can't make a folder for packages: {'; '.join(tell(made))}")
        machine = find_target(packages[0].subdir, NEWEST_GLIBC)
        for_it = ("--python-platform", machine, "--python-version", python_version)
        self._archives.install(packages, "--python", str(target / "bin" / "python"), *for_it)
        return next(target.glob("lib/python*/site-packages"))


def needs_build(package: LockedPackage) -> bool:
    """Tell whether *package* is source code, which is built wherever it is installed."""
    return package.manager == "pip" and not is_wheel(package.url)


class _Archives:
    """Gets packages from where their *origin* says; *given* are repositories by their copies."""

    def __init__(
        self, repositories: RepositoryStore, origin: PipOrigin, network: Network | None
    ) -> None:
        self._repositories = repositories
        self._network = network
        self._origin = origin
        self.given: dict[str, str] = {}

    def install(self, packages: Sequence[LockedPackage], *options: str) -> None:
        """Let uv install *packages* by *options*."""
        credentials = self._origin.list_git_credentials()
        at_hand = [self._get(package) for package in packages]
        hashed = () if self.given else ("--require-hashes",)
        with tempfile.TemporaryDirectory(prefix="envsync-") as name:
            pylock = Path(name) / "pylock.toml"
            pylock.write_text(dump_pylock(at_hand), encoding="utf-8")
            done = process.run(
                [
                    *command("pip", "install", "--quiet", "--no-deps", *hashed, *options),
                    *("--requirement", str(pylock)),
                ],
                cwd=self._origin.directory.absolute(),
                env={
                    **environment(self._network),
                    **self._origin.list_index_settings(),
                    **list_git_settings(credentials, os.environ),
                },
            )
        if done.status != 0:
            raise _explain(packages, done)

    def _get(self, package: LockedPackage) -> LockedPackage:
        """Return *package* with the address that it is to be had from now."""
        pin = parse_repository(package.url)
        if pin is None:
            return replace(package, url=self._origin.resolve(package.url))
        credentials = self._origin.list_git_credentials()
        copy = self._repositories.provide(pin, credentials, sha256=package.sha256)
        self.given[copy.as_uri()] = pin.url
        return replace(package, url=str(replace(pin, url=copy.as_uri())))


def _explain(packages: Sequence[LockedPackage], done: process.Completed) -> EnvsyncError:
    lines = tell(done)
    built = list(_list_sources(packages))
    hint = None
    if any(_OFFLINE in line for line in lines):
        hint = "run it once without `--offline`"
    elif any(_WRONG_WHEEL in line for line in lines):
        hint = "build a wheel of it on a machine of that kind, and lock the wheel"
    elif built:
        hint = f"{', '.join(built)} must be built: see that what that needs is there"
    return EnvsyncError(
        "\n".join(("Cannot install the pip packages", *(f"  {line}" for line in lines))), hint=hint
    )


def _list_sources(packages: Sequence[LockedPackage]) -> Iterator[str]:
    for package in packages:
        if needs_build(package):
            yield f"`{package.name}`"
