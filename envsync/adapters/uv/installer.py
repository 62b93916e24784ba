"""Installing locked pip packages."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from envsync import process
from envsync.adapters.uv.cache_check import find_edited
from envsync.adapters.uv.direct_url import name_repositories
from envsync.adapters.uv.failure import find_hint
from envsync.adapters.uv.isolation import isolate
from envsync.adapters.uv.origin import PipOrigin
from envsync.adapters.uv.program import NEWEST_GLIBC, command, environment, find_target, tell
from envsync.errors import EnvsyncError
from envsync.files import make_temporary
from envsync.lock.formats.pylock import PylockEntry, dump_entries, is_wheel
from envsync.model.progress import SilentReporter
from envsync.model.repository import list_git_settings, parse_repository
from envsync.package.pip_record import check_records
from envsync.package.witnesses import find_site_packages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage
    from envsync.model.network import Network
    from envsync.model.progress import Reporter
    from envsync.solve.request import RepositoryStore

_OFFLINE = "Network connectivity is disabled"
_WRONG_WHEEL = "is not compatible with the target Python"
# What was fetched can't be used, for another reason than that nothing can be written.
_HARMED = re.compile(r"Failed to install: (?!.*\(os error (?:13|28|30|122)\))", re.DOTALL)
_CLEANING = "10"  # seconds that others who use the cache are waited for


class UvInstaller:
    """Puts locked pip packages into a prefix that has a Python.

    *origin* is what the definition says of their places, *repositories* has those from git.
    Unless it *trusts_cache*, it takes nothing from uv's; else files there that were edited are
    noticed, told to *reporter* and restored. With *offline* nothing but the cache is asked.
    """

    def __init__(
        self,
        repositories: RepositoryStore,
        origin: PipOrigin | None = None,
        *,
        trusts_cache: bool = True,
        offline: bool = False,
        network: Network | None = None,
        reporter: Reporter | None = None,
    ) -> None:
        self._archives = _Archives(
            repositories, origin, offline=offline, network=network, reporter=reporter
        )
        self._trusts_cache = trusts_cache

    def install(self, packages: Sequence[LockedPackage], *, python: Path) -> None:
        """Install *packages* and nothing else, each archive held against its sha256.

        Raises:
            EnvsyncError: an archive can't be fetched, is not the one that was locked, or can't
                be installed.
        """
        prefix = python.parent.parent
        check_records(prefix, packages)  # uv removes what an earlier package of that name claims
        with isolate(python) as isolated:
            options = (*isolated.options, "--break-system-packages")
            no_cache = () if self._trusts_cache else ("--no-cache",)
            self._archives.install(packages, *options, *no_cache)
            check_records(prefix, packages)
            if self._trusts_cache:
                self._archives.restore(packages, find_site_packages(prefix), *options)
                check_records(prefix, packages)
        for site_packages in find_site_packages(prefix):
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
        reporter: Reporter | None = None,
    ) -> None:
        self._archives = _Archives(repositories, origin, network=network, reporter=reporter)

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
        with contextlib.ExitStack() as stack:
            asked = stack.enter_context(isolate(python)).python if python else sys.executable
            _make_venv(target, asked)
            there = stack.enter_context(isolate(target / "bin" / "python")).options
            machine = find_target(packages[0].subdir, NEWEST_GLIBC)
            options = (*there, "--python-platform", machine, "--python-version", python_version)
            self._archives.install(packages, *options)
            (site_packages,) = find_site_packages(target)
            check_records(target, packages)
            self._archives.restore(packages, (site_packages,), *options)
            check_records(target, packages)
        return site_packages


def _make_venv(target: Path, python: str) -> None:
    made = process.run(
        command("venv", "--quiet", "--python", python, str(target)),
        env={**environment(), "TMPDIR": str(target.parent)},  # where it leaves a lock
    )
    if made.status != 0:
        raise EnvsyncError(f"uv can't make a folder for packages: {'; '.join(tell(made))}")


def needs_build(package: LockedPackage) -> bool:
    """Tell whether *package* is source code, which is built wherever it is installed."""
    return package.manager == "pip" and not is_wheel(package.url)


class _Archives:
    """Gets packages from where their *origin* says; *given* are repositories by their copies."""

    def __init__(
        self,
        repositories: RepositoryStore,
        origin: PipOrigin | None,
        *,
        offline: bool = False,
        network: Network | None,
        reporter: Reporter | None,
    ) -> None:
        self._repositories = repositories
        self._is_offline = offline
        self._network = network
        self._origin = origin or PipOrigin()
        self._reporter = reporter or SilentReporter()
        self.given: dict[str, str] = {}

    def install(self, packages: Sequence[LockedPackage], *options: str) -> None:
        """Let uv install *packages* by *options*, anew where its cache lacks files of them."""
        done = self._run(packages, options)
        if done.status != 0 and _HARMED.search(done.stderr) and not self._is_offline:
            self._reporter.note("Files in uv's cache may be missing; the packages are had anew")
            was_cleaned = _clean_cache([package.name for package in packages])
            again = ("--reinstall", *(() if was_cleaned else ("--no-cache",)))
            done = self._run(packages, (*options, *again))
        if done.status != 0:
            raise _explain(packages, done)

    def _run(self, packages: Sequence[LockedPackage], options: Sequence[str]) -> process.Completed:
        credentials = self._origin.list_git_credentials()
        entries = [
            PylockEntry(package=self._get(package), index=self._origin.find_index(package.url))
            for package in packages
        ]
        hashed = () if self.given else ("--require-hashes",)
        offline = ("--offline",) if self._is_offline else ()
        wheels = () if any(map(needs_build, packages)) else ("--no-build",)
        with make_temporary() as folder:
            pylock = folder / "pylock.toml"
            pylock.write_text(dump_entries(entries), encoding="utf-8")
            return process.run(
                [
                    *command("pip", "install", "--quiet", "--no-deps", *hashed, *offline, *wheels),
                    "--no-sources",  # nor does pip know those of uv in a `pyproject.toml`
                    *options,
                    *("--requirement", str(pylock)),
                ],
                cwd=self._origin.start,
                env={
                    **environment(self._network),
                    **self._origin.list_index_settings(),
                    **list_git_settings(credentials, os.environ),
                    "TMPDIR": str(folder),  # where it leaves a lock for each environment
                },
            )

    def restore(
        self, packages: Sequence[LockedPackage], folders: Sequence[Path], *options: str
    ) -> None:
        """Install those of *packages* in *folders* anew that are not what their archives had."""
        edited = find_edited(folders, packages, counts_gaps=not self._is_offline)
        if not edited:
            return
        names = [package.name for package in edited]
        listed = ", ".join(f"`{name}`" for name in names)
        self._reporter.note(f"Files of {listed} in uv's cache were edited; they are restored")
        was_cleaned = not self._is_offline and _clean_cache(names)
        self.install(edited, *options, "--reinstall", *(() if was_cleaned else ("--no-cache",)))

    def _get(self, package: LockedPackage) -> LockedPackage:
        """Return *package* with the address that it is to be had from now."""
        pin = parse_repository(package.url)
        if pin is None:
            return replace(package, url=self._origin.resolve(package.url))
        credentials = self._origin.list_git_credentials()
        copy = self._repositories.provide(pin, credentials, sha256=package.sha256)
        self.given[copy.as_uri()] = pin.url
        return replace(package, url=str(replace(pin, url=copy.as_uri())))


def _clean_cache(names: Sequence[str]) -> bool:
    """Remove what uv's cache has of the packages *names*, unless others keep it in use."""
    done = process.run(
        command("cache", "clean", "--quiet", *names),
        env={**environment(), "UV_LOCK_TIMEOUT": _CLEANING},
    )
    return done.status == 0


def _explain(packages: Sequence[LockedPackage], done: process.Completed) -> EnvsyncError:
    lines = tell(done)
    built = list(_list_sources(packages))
    hint = find_hint(lines)
    if any(_OFFLINE in line for line in lines):
        hint = "run it once without `--offline`"
    elif any(_WRONG_WHEEL in line for line in lines):
        hint = "build a wheel of it on a machine of that kind, and lock the wheel"
    elif built and hint is None:
        hint = f"{', '.join(built)} must be built: see that what that needs is there"
    return EnvsyncError(
        "\n".join(("Cannot install the pip packages", *(f"  {line}" for line in lines))), hint=hint
    )


def _list_sources(packages: Sequence[LockedPackage]) -> Iterator[str]:
    for package in packages:
        if needs_build(package):
            yield f"`{package.name}`"
