"""Linking packages into a prefix."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast
from urllib.parse import unquote, urlsplit

import rattler
from rattler.exceptions import InstallerError
from rattler.package_cache import PackageCache, PackageCacheLayer, ValidationMode

from envsync.adapters.rattler.cache_check import check_cached, find_touched, remove_incomplete
from envsync.adapters.rattler.client import open_client, open_no_client
from envsync.adapters.rattler.configuration import find_package_cache
from envsync.adapters.rattler.event_loop import run
from envsync.adapters.rattler.failure import explain_install, is_harmed
from envsync.adapters.rattler.patience import Patience, Stalled, find_timeout
from envsync.adapters.rattler.record import parse_match_spec, to_record
from envsync.errors import EnvsyncError
from envsync.files import remove_tree
from envsync.model.progress import SilentReporter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rattler.config import Config
    from rattler.install import InstallerReporter
    from rattler.networking import Client

    from envsync.model.lockfile import LockedPackage
    from envsync.model.progress import Reporter


class RattlerInstaller:
    """Puts locked conda packages into an empty prefix.

    *channel_urls* are the definition's, for the credentials that they may hold: the addresses
    in a lock have none. A package in the cache is taken as it is as long as its times look right
    or, unless *trusts_cache*, only after all its bytes were read. With *offline* there is no
    other place that packages come from, but for files.
    """

    def __init__(
        self,
        config: Config,
        channel_urls: Sequence[str] = (),
        *,
        trusts_cache: bool = True,
        offline: bool = False,
    ) -> None:
        self._config = config
        self._is_offline = offline
        self._channel_urls = tuple(channel_urls)
        self._trusts_cache = trusts_cache

    def install(
        self,
        packages: Sequence[LockedPackage],
        *,
        target: Path,
        prefix: Path,
        requested: Sequence[str],
        reporter: Reporter,
    ) -> None:
        """Link *packages* into the folder *target*, writing *prefix* as their path.

        Raises:
            EnvsyncError: an archive can't be fetched, is not the one that was locked, or can't
                be unpacked; *target* is then not to be used.
        """
        cache = self._prepare_cache(packages, reporter)
        with ThreadPoolExecutor(max_workers=1) as pool:
            # Beside the linking, which is the engine's work and leaves a processor free.
            checking = pool.submit(find_touched, cache, packages)
            engine = _Engine(config=self._config, client=self._open_client(packages))
            link = partial(_link, packages, (target, prefix), engine=engine, requested=requested)
            if not self._trusts_cache:
                link(_checked_cache(cache), _LinkReporter(reporter))
                return
            try:
                link(PackageCache(cache), _LinkReporter(reporter))
            except EnvsyncError as error:
                if not is_harmed(error):
                    raise
                reporter.note("Files in the cache may be missing; all of it is looked at")
            else:
                touched = checking.result()
                if not touched:
                    return
                names = ", ".join(f"`{package.name}`" for package in touched)
                reporter.note(f"Files of {names} in the cache were edited; they are restored")
            remove_tree(target)
            link(_checked_cache(cache), _LinkReporter(SilentReporter()))

    def _prepare_cache(self, packages: Sequence[LockedPackage], reporter: Reporter) -> Path:
        """Return where *packages* are cached, of which what can be told at once was looked at."""
        for package in packages:
            check_local_archive(package)
        cache = find_package_cache()
        if self._is_offline:  # nothing is thrown away that can't be had anew
            check_cached(cache, packages)
            return cache
        for package in remove_incomplete(cache, packages):
            reporter.note(f"Metadata of `{package.name}` in the cache was changed; it is had anew")
        return cache

    def _open_client(self, packages: Sequence[LockedPackage]) -> Client:
        if self._is_offline:
            return open_no_client()
        places = (package.url for package in packages)  # conda-lock keeps variables in them
        return open_client(self._config, (*self._channel_urls, *places))


def _checked_cache(cache: Path) -> PackageCache:
    """Return the package cache at *cache*, to be read in full and mended where need be."""
    layer = PackageCacheLayer(cache).with_validation_mode(ValidationMode.full())
    return PackageCache.from_layers([layer])


class _Engine(NamedTuple):
    config: Config
    client: Client


def _link(
    packages: Sequence[LockedPackage],
    places: tuple[Path, Path],
    cache: PackageCache,
    listener: _LinkReporter,
    *,
    engine: _Engine,
    requested: Sequence[str],
) -> None:
    """Link *packages* into the first of *places* as if it were the second."""
    target, prefix = places
    patience = Patience(
        seconds=find_timeout(), notice=lambda: listener.note("Still waiting for packages")
    )
    try:
        run(
            lambda: rattler.install(
                [to_record(package) for package in packages],
                target_prefix=target,
                alternative_target_prefix=prefix,
                client=engine.client,
                config=engine.config,
                package_cache=cache,
                requested_specs=[  # 0.28 hands on the wrapper unopened, and fails
                    parse_match_spec(text)._match_spec  # noqa: SLF001
                    for text in requested
                ],
                reporter=cast("InstallerReporter", listener),
            ),
            patience,
        )
    except (InstallerError, Stalled) as error:
        # asking again would be in vain: what has stalled still holds its place in the cache
        raise explain_install(packages, error) from error


def check_local_archive(package: LockedPackage) -> None:
    """Hold the archive of *package* against its hash where its URL is a `file://` one.

    rattler does so for what it downloads, but not for local files.

    Raises:
        EnvsyncError: the file is not there or is not the one that was locked.
    """
    parts = urlsplit(package.url)
    if parts.scheme != "file":
        return
    path = Path(unquote(parts.path))
    kind, expected = ("sha256", package.sha256) if package.sha256 else ("md5", package.md5)
    try:
        with path.open("rb") as stream:
            found = _digest(stream, kind)
    except OSError as error:
        raise EnvsyncError(f"Cannot read `{path}`: {error.strerror}") from error
    if found != expected:
        raise EnvsyncError(
            f"`{path}` is not the archive that was locked: its {kind} is `{found}`, "
            f"the lockfile says `{expected}`",
            hint="find out who changed it; run `envsync lock` if the change is meant",
        )


class _LinkReporter:
    """Hands rattler's callbacks on: one item for each package that has been linked."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def on_link_complete(self, index: int) -> None:
        """Count one more package."""
        del index
        self._reporter.advance()

    def note(self, text: str) -> None:
        """Say *text*, which no callback of rattler's does."""
        self._reporter.note(text)


def _digest(stream: Any, kind: str) -> str:
    hasher = hashlib.new(kind, usedforsecurity=kind != "md5")
    while chunk := stream.read(1 << 20):
        hasher.update(chunk)
    return hasher.hexdigest()
