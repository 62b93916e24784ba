"""Solving over repodata."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import rattler
from rattler.exceptions import (
    DetectVirtualPackageError,
    GatewayError,
    InvalidChannelError,
    SolverError,
)
from rattler.package import BuildString, PackageName
from rattler.repo_data.gateway import SourceConfig
from rattler.repo_data.multi_source import MultiSource

from envsync.adapters.rattler.client import open_client
from envsync.adapters.rattler.configuration import find_cache
from envsync.adapters.rattler.credentials import expand, has_credentials
from envsync.adapters.rattler.event_loop import run
from envsync.adapters.rattler.failure import (
    RETRIES,
    explain_unreachable,
    explain_unsatisfiable,
    first_line,
    is_cut_short,
    is_unreadable,
    names_an_address,
    without_missing,
)
from envsync.adapters.rattler.patience import Patience, Stalled, find_timeout
from envsync.adapters.rattler.record import from_record, parse_match_spec, to_record
from envsync.errors import DefinitionError, EnvsyncError
from envsync.model.channel import redact_url
from envsync.model.text.redaction import quote
from envsync.model.virtual_package import VirtualPackage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rattler.config import Config
    from rattler.networking.fetch_repo_data import CacheAction
    from rattler.repo_data.gateway import GatewayQueryResult

    from envsync.model.channel import Channel
    from envsync.model.lockfile import LockedPackage
    from envsync.solve.request import CondaRequest


class RattlerSolver:
    """Solves over one shared gateway, so that repodata is fetched once for many requests.

    With *fresh* nothing is taken from the repodata cache. rattler needs that where a plain
    server answers its conditional request with a 304 that lacks the headers it compares, and
    where a full disk or a power cut has left half a file there. With
    *offline* nothing else than that cache is asked, however old it is.
    """

    def __init__(self, config: Config, *, fresh: bool = False, offline: bool = False) -> None:
        self._config = config
        self._is_fresh = fresh
        self._is_offline = offline
        self._seconds = find_timeout()
        self._gateway = self._open()

    def _open(self, urls: Sequence[str] = ()) -> rattler.Gateway:
        client = open_client(self._config, urls)
        if self._is_fresh or self._is_offline:
            action: CacheAction = "no-cache" if self._is_fresh else "force-cache-only"
            source = SourceConfig(cache_action=action)
            cache = find_cache("repodata")
            return rattler.Gateway(default_config=source, client=client, cache_dir=cache)
        return rattler.Gateway.from_config(
            self._config, client=client, cache_dir=find_cache("repodata")
        )

    def solve(self, request: CondaRequest) -> tuple[LockedPackage, ...]:
        """Return one package per name, sorted by name, for *request*.

        A channel that stands for several addresses may lack one of them, as a company's mirror
        of `defaults` often does; the others then answer.
        """
        specs = [parse_match_spec(text) for text in request.match_specs]
        try:
            records = self._ask(request, specs)
        except SolverError as error:
            raise explain_unsatisfiable(request, error) from error
        except (GatewayError, InvalidChannelError, Stalled) as error:
            may_be_the_cache = "304 Not Modified" in str(error) or is_unreadable(error)
            if may_be_the_cache and not (self._is_fresh or self._is_offline):
                return RattlerSolver(self._config, fresh=True).solve(request)
            fewer = without_missing(request.channels, error)
            if fewer == request.channels:
                raise self._explain(request, error) from error
            return self.solve(replace(request, channels=fewer))
        return tuple(
            sorted(
                (from_record(record, request.subdir) for record in records),
                key=lambda package: package.name,
            )
        )

    def _ask(
        self, request: CondaRequest, specs: Sequence[rattler.MatchSpec]
    ) -> list[rattler.RepoDataRecord]:
        """Solve; channels with credentials get a gateway that knows them, for this once.

        In their addresses they would end up in the repodata cache. Servers that fall silent are
        asked once more, those that stop in the middle as often as rattler asks others, by a new
        gateway: the old one would go on waiting for them.
        """
        urls = _list_urls(request.channels)
        gateway = self._open(urls) if has_credentials(urls) else self._gateway
        patience = Patience(seconds=self._seconds, notice=lambda: _tell_waiting(request))
        stalls = cuts = 0
        while True:
            try:
                return run(partial(self._solve, request, specs, gateway), patience)
            except Stalled:
                stalls += 1
                if stalls > 1:
                    raise
                request.reporter.note(f"No answer for {self._seconds:g} s; asking again")
            except GatewayError as error:
                cuts += 1
                if cuts > RETRIES or not is_cut_short(error):
                    raise
            gateway = self._open(urls)

    def list_names(self, request: CondaRequest) -> frozenset[str]:
        """Return the names of all packages for *request*, none where they can't be had."""
        urls = _list_urls(request.channels)
        gateway = self._open(urls) if has_credentials(urls) else self._gateway
        sources = [_source(channel) for channel in request.channels]
        patience = Patience(seconds=self._seconds / 4)
        try:
            found = run(partial(_list_names, gateway, sources, _list_subdirs(request)), patience)
        except (GatewayError, InvalidChannelError, Stalled):
            return frozenset()
        return frozenset(name.normalized for name in found)

    async def _solve(
        self, request: CondaRequest, specs: Sequence[rattler.MatchSpec], gateway: rattler.Gateway
    ) -> list[rattler.RepoDataRecord]:
        return await rattler.solve(
            sources=[_source(channel) for channel in request.channels],
            specs=specs,
            gateway=gateway,
            platforms=_list_subdirs(request),
            virtual_packages=[_to_generic(fact) for fact in request.virtual_packages],
            locked_packages=list(_list_usable(request.preferred)),
            exclude_newer=request.exclude_newer,
        )

    def _explain(self, request: CondaRequest, error: Exception) -> EnvsyncError:
        """Return the error for the user; where *error* names no address, ask who is to blame."""
        culprit = "" if names_an_address(error) else self._find_culprit(request)
        told = explain_unreachable(request.channels, error, config=self._config, address=culprit)
        if self._is_offline:
            told.hint = "run it once without `--offline`"
        return told

    def _find_culprit(self, request: CondaRequest) -> str:
        """Return the address of the first channel that can't be read alone."""
        urls = _list_urls(request.channels)
        patience = Patience(seconds=self._seconds / 4)
        for url in urls:
            bare = redact_url(expand(url))
            try:
                run(partial(_query, self._open(urls), bare, _list_subdirs(request)), patience)
            except (GatewayError, InvalidChannelError, Stalled):
                return bare
        return ""

    def detect_virtual_packages(self) -> tuple[VirtualPackage, ...]:
        """Return this machine's facts, `CONDA_OVERRIDE_*` applied, sorted by name."""
        overrides = rattler.VirtualPackageOverrides.from_env()
        try:
            found = [package.into_generic() for package in rattler.VirtualPackage.detect(overrides)]
        except DetectVirtualPackageError as error:
            raise EnvsyncError(
                f"Cannot tell this machine's virtual packages: {first_line(error)}",
                hint="check the `CONDA_OVERRIDE_…` environment variables",
            ) from error
        return tuple(
            sorted(
                VirtualPackage(
                    name=fact.name.source,
                    version=str(fact.version),
                    build=str(fact.build_string) or "0",
                )
                for fact in found
            )
        )


async def _query(
    gateway: rattler.Gateway, url: str, subdirs: Sequence[rattler.Subdir]
) -> GatewayQueryResult:
    return await gateway.query([rattler.Channel(url)], subdirs, ["python"], recursive=False)


async def _list_names(
    gateway: rattler.Gateway,
    sources: Sequence[rattler.Channel | MultiSource],
    subdirs: Sequence[rattler.Subdir],
) -> list[PackageName]:
    return list(await gateway.names(sources, subdirs))


def _list_usable(packages: Iterable[LockedPackage]) -> Iterator[rattler.RepoDataRecord]:
    """Yield the records of *packages*, but for those that no channel, or no lock, could have."""
    for package in packages:
        with contextlib.suppress(DefinitionError):
            if package.md5:  # conda-lock's models insist on it
                yield to_record(package)


def _tell_waiting(request: CondaRequest) -> None:
    names = ", ".join(f"`{channel.name}`" for channel in request.channels)
    request.reporter.note(f"Still waiting for {names}")


def _list_subdirs(request: CondaRequest) -> list[rattler.Subdir]:
    return [rattler.Subdir(request.subdir), rattler.Subdir("noarch")]


def _list_urls(channels: Iterable[Channel]) -> list[str]:
    """Return the addresses of *channels*, with what is secret in them."""
    return [url for channel in channels for url in channel.urls]


def _source(channel: Channel) -> rattler.Channel | MultiSource:
    channels = [rattler.Channel(redact_url(expand(url))) for url in channel.urls]
    return channels[0] if len(channels) == 1 else MultiSource(channel.name, channels)


def _to_generic(fact: VirtualPackage) -> rattler.GenericVirtualPackage:
    try:
        return rattler.GenericVirtualPackage(
            PackageName(fact.name), rattler.Version(fact.version), BuildString(fact.build)
        )
    except Exception as error:  # each of the three has its own
        raise DefinitionError(
            f"{quote(str(fact))} is no virtual package: {first_line(error)}",
            hint="correct it in `--system-requirements`, or lock with `--upgrade`",
        ) from error
