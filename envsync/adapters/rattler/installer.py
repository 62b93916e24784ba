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
from rattler.package_cache import PackageCache

from envsync.adapters.rattler.cache_check import check_cached, find_touched, remove_incomplete
from envsync.adapters.rattler.client import open_client, open_no_client
from envsync.adapters.rattler.configuration import find_package_cache
from envsync.adapters.rattler.event_loop import run
from envsync.adapters.rattler.failure import explain_cached, explain_install, is_harmed
from envsync.adapters.rattler.package_store import PackageStore
from envsync.adapters.rattler.patience import Patience, Stalled, find_timeout
from envsync.adapters.rattler.record import parse_match_spec, to_record
from envsync.errors import EnvsyncError
from envsync.files import remove_tree
from envsync.model.progress import SilentReporter
from envsync.model.text.redaction import quote
from envsync.package.links import check_together
from envsync.package.python import find_python_folder
from envsync.package.unpacked import PackageFaultError
from envsync.prefix.location import find_home

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rattler.config import Config
    from rattler.install import InstallerReporter
    from rattler.networking import Client

    from envsync.model.lockfile import LockedPackage
    from envsync.model.progress import Reporter
    from envsync.package.unpacked import PackageContent

_AT_ONCE = 50  # downloads


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
    ) -> tuple[str, ...]:
        """Link *packages* into the folder *target*, writing *prefix* as their path.

        Returns the links among them that lead out of the prefix. Every package is checked first,
        and nothing is linked where one is unsafe.

        Raises:
            EnvsyncError: an archive can't be fetched, is not the one that was locked, can't
                be unpacked or is unsafe; *target* is then not to be used.
        """
        cache = self._prepare_cache(packages, reporter)
        provide = partial(self._provide, packages, PackageStore(cache, find_notes()))
        found = provide(reporter, reads_bytes=not self._trusts_cache)
        link = partial(
            _link, packages, (target, prefix), PackageCache(cache), self._config, requested
        )
        with ThreadPoolExecutor(max_workers=1) as pool:
            # Beside the linking, which is the engine's work and leaves a processor free.
            checking = pool.submit(find_touched, cache, packages)
            try:
                link(_LinkReporter(reporter, told=found.fetched))
            except EnvsyncError as error:
                if not self._trusts_cache or not is_harmed(error):
                    raise
                reporter.note("Files in the cache may be missing; all of it is looked at")
            else:
                touched = checking.result() if self._trusts_cache else ()
                if not touched:
                    return found.leading_out
                names = ", ".join(f"`{package.name}`" for package in touched)
                reporter.note(f"Files of {names} in the cache were edited; they are restored")
        remove_tree(target)
        found = provide(SilentReporter(), reads_bytes=True)
        link(_LinkReporter(SilentReporter()))
        return found.leading_out

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

    def _provide(
        self,
        packages: Sequence[LockedPackage],
        store: PackageStore,
        reporter: Reporter,
        *,
        reads_bytes: bool,
    ) -> _Provided:
        """Have *packages* unpacked in *store*, none of them damaged or unsafe."""
        contents: dict[LockedPackage, PackageContent] = {}
        missing: list[LockedPackage] = []
        for package in packages:
            content = self._find(package, store, reads_bytes=reads_bytes)
            if content is None:
                missing.append(package)
            else:
                contents[package] = content
        if missing:
            fetched = self._fetch(missing, store, reporter)
            contents |= zip(missing, fetched, strict=True)
        # rattler puts noarch packages there even where the Python is free-threaded.
        python = find_python_folder(packages).removesuffix("t")
        leading_out = check_together(contents.items(), python=python)
        if leading_out and self._config.allow_symbolic_links is False:
            raise EnvsyncError(
                f"{quote(leading_out[0])} is a link that leads out of the environment, and the "
                "configuration has `allow-symbolic-links = false`: its target would be copied",
            )
        return _Provided(fetched=len(missing), leading_out=leading_out)

    def _find(
        self, package: LockedPackage, store: PackageStore, *, reads_bytes: bool
    ) -> PackageContent | None:
        """Return what lies in *store*, None where it is to be fetched."""
        is_out_of_reach = self._is_offline and not package.url.startswith("file://")
        try:
            content = store.find(package, reads_bytes=reads_bytes)
        except PackageFaultError:
            if is_out_of_reach:
                raise
            return None
        if content is None and is_out_of_reach:
            raise explain_cached(package)
        return content

    def _fetch(
        self, packages: Sequence[LockedPackage], store: PackageStore, reporter: Reporter
    ) -> list[PackageContent]:
        client = self._open_client(packages)
        at_once = self._config.concurrency_downloads or _AT_ONCE
        patience = Patience(
            seconds=find_timeout(), notice=lambda: reporter.note("Still waiting for packages")
        )
        try:
            return run(
                lambda: store.fetch(
                    packages, client=client, at_once=at_once, advance=reporter.advance
                ),
                patience,
            )
        except Stalled as error:
            raise explain_install(packages, error) from error

    def _open_client(self, packages: Sequence[LockedPackage]) -> Client:
        if self._is_offline:
            return open_no_client()
        places = (package.url for package in packages)  # conda-lock keeps variables in them
        return open_client(self._config, (*self._channel_urls, *places))


class _Provided(NamedTuple):
    """How many packages were fetched, and which of their links lead out of the prefix."""

    fetched: int
    leading_out: tuple[str, ...]


def find_notes() -> Path:
    """Return where is noted what was found out of unpacked packages."""
    return find_home() / "cache" / "packages"


def _link(
    packages: Sequence[LockedPackage],
    places: tuple[Path, Path],
    cache: PackageCache,
    config: Config,
    requested: Sequence[str],
    listener: _LinkReporter,
) -> None:
    """Link *packages*, all of them in *cache*, into the first of *places* as if it were the other.

    Nothing is asked for over a network: what that would bring was not checked.
    """
    target, prefix = places
    try:
        run(
            lambda: rattler.install(
                [to_record(package) for package in packages],
                target_prefix=target,
                alternative_target_prefix=prefix,
                client=open_no_client(),
                config=config,
                execute_link_scripts=False,  # whatever the configuration says
                package_cache=cache,
                requested_specs=[  # 0.28 hands on the wrapper unopened, and fails
                    parse_match_spec(text)._match_spec  # noqa: SLF001
                    for text in requested
                ],
                reporter=cast("InstallerReporter", listener),
            ),
            Patience(seconds=find_timeout()),
        )
    except (InstallerError, Stalled) as error:
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
    """Hands rattler's callbacks on: one item for each package that is linked.

    The first *told* of them were counted before.
    """

    def __init__(self, reporter: Reporter, *, told: int = 0) -> None:
        self._reporter = reporter
        self._told = told

    def on_link_complete(self, index: int) -> None:
        """Count one more package."""
        del index
        if self._told:
            self._told -= 1
        else:
            self._reporter.advance()


def _digest(stream: Any, kind: str) -> str:
    hasher = hashlib.new(kind, usedforsecurity=kind != "md5")
    while chunk := stream.read(1 << 20):
        hasher.update(chunk)
    return hasher.hexdigest()
