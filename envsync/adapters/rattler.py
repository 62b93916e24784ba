"""conda through py-rattler: solve over repodata, install into a prefix."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import unquote, urlsplit

import rattler
from rattler.config import Config
from rattler.exceptions import (
    DetectVirtualPackageError,
    GatewayError,
    InstallerError,
    InvalidChannelError,
    InvalidMatchSpecError,
    SolverError,
)
from rattler.networking import Client
from rattler.package import BuildString, PackageName
from rattler.repo_data.gateway import SourceConfig
from rattler.repo_data.multi_source import MultiSource

from envsync.errors import DefinitionError, EnvsyncError, UnsatisfiableError
from envsync.model.channel import redact_url
from envsync.model.lockfile import LockedPackage
from envsync.model.virtual_package import VirtualPackage

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence
    from typing import Any

    from rattler.install import InstallerReporter

    from envsync.model.channel import Channel
    from envsync.model.progress import Reporter
    from envsync.solve.request import CondaRequest

_Result = TypeVar("_Result")

_ARCHIVE = re.compile(r"-(?P<build>[^-]+?)(?:\.conda|\.tar\.bz2)$")
_URL = re.compile(r"(?:https?|file)://[^\s)']+")


def load_config() -> Config:
    """Return rattler's configuration: `$ENVSYNC_CONFIG`, else the usual places for `envsync`.

    Raises:
        DefinitionError: the file is not there, or says what rattler does not understand.
    """
    named = os.environ.get("ENVSYNC_CONFIG")
    home = os.environ.get("ENVSYNC_HOME")
    if not named and home and (Path(home) / "config.toml").exists():
        named = str(Path(home) / "config.toml")
    try:
        if named:
            return Config.load_from_files([named])
        return Config.load_from_default_locations("envsync")
    except Exception as error:
        place = f" `{named}`" if named else ""
        raise DefinitionError(
            f"Cannot read the configuration{place}: {_last_line(error)}",
            hint="it is written as rattler's own `config.toml`, which is pixi's too",
        ) from error


def _find_cache(name: str) -> Path | None:
    """Return the folder *name* of `$RATTLER_CACHE_DIR`, None for rattler's usual one.

    rattler's tools heed the variable; py-rattler leaves that to its caller.
    """
    root = os.environ.get("RATTLER_CACHE_DIR")
    return Path(root) / name if root else None


class RattlerSolver:
    """Solves over one shared gateway, so that repodata is fetched once for many requests.

    With *fresh* nothing is taken from the repodata cache. rattler needs that where a plain
    server answers its conditional request with a 304 that lacks the headers it compares.
    """

    def __init__(self, config: Config, *, fresh: bool = False) -> None:
        self._config = config
        self._is_fresh = fresh
        client = Client.from_config(config)
        if fresh:
            source = SourceConfig(cache_action="no-cache")
            self._gateway = rattler.Gateway(default_config=source, client=client)
        else:
            self._gateway = rattler.Gateway.from_config(
                config, client=client, cache_dir=_find_cache("repodata")
            )

    def solve(self, request: CondaRequest) -> tuple[LockedPackage, ...]:
        """Return one package per name, sorted by name, for *request*.

        A channel that stands for several addresses may lack one of them, as a company's mirror
        of `defaults` often does; the others then answer.
        """
        specs = [_parse_match_spec(text) for text in request.match_specs]
        try:
            records = self._ask(request, specs)
        except SolverError as error:
            raise _explain_unsatisfiable(request, error) from error
        except (GatewayError, InvalidChannelError) as error:
            if "304 Not Modified" in str(error) and not self._is_fresh:
                return RattlerSolver(self._config, fresh=True).solve(request)
            fewer = _without_missing(request.channels, error)
            if fewer == request.channels:
                raise _explain_unreachable(request.channels, error) from error
            return self.solve(replace(request, channels=fewer))
        return tuple(
            sorted(
                (_from_record(record, request.subdir) for record in records),
                key=lambda package: package.name,
            )
        )

    def _ask(
        self, request: CondaRequest, specs: Sequence[rattler.MatchSpec]
    ) -> list[rattler.RepoDataRecord]:
        return _run(
            lambda: rattler.solve(
                sources=[_source(channel) for channel in request.channels],
                specs=specs,
                gateway=self._gateway,
                platforms=[rattler.Subdir(request.subdir), rattler.Subdir("noarch")],
                virtual_packages=[_to_generic(fact) for fact in request.virtual_packages],
            )
        )

    def detect_virtual_packages(self) -> tuple[VirtualPackage, ...]:
        """Return this machine's facts, `CONDA_OVERRIDE_*` applied, sorted by name."""
        overrides = rattler.VirtualPackageOverrides.from_env()
        try:
            found = [package.into_generic() for package in rattler.VirtualPackage.detect(overrides)]
        except DetectVirtualPackageError as error:
            raise EnvsyncError(
                f"Cannot tell this machine's virtual packages: {_first_line(error)}",
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


class RattlerInstaller:
    """Puts locked conda packages into an empty prefix."""

    def __init__(self, config: Config) -> None:
        self._config = config

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
        for package in packages:
            check_local_archive(package)
        try:
            _run(
                lambda: rattler.install(
                    [_to_record(package) for package in packages],
                    target_prefix=target,
                    alternative_target_prefix=prefix,
                    client=Client.from_config(self._config),
                    config=self._config,
                    cache_dir=_find_cache("pkgs"),
                    requested_specs=[  # 0.28 hands on the wrapper unopened, and fails
                        _parse_match_spec(text)._match_spec  # noqa: SLF001
                        for text in requested
                    ],
                    reporter=cast("InstallerReporter", _LinkReporter(reporter)),
                )
            )
        except InstallerError as error:
            raise _explain_install(packages, error) from error


def check_local_archive(package: LockedPackage) -> None:
    """Hold the archive of *package* against its hash where its URL is a `file://` one.

    rattler does so for what it downloads, but not for local files.

    Raises:
        EnvsyncError: the file is not there or is not the one that was locked.
    """
    if not package.url.startswith("file://"):
        return
    path = Path(unquote(urlsplit(package.url).path))
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


def _digest(stream: Any, kind: str) -> str:
    hasher = hashlib.new(kind, usedforsecurity=kind != "md5")
    while chunk := stream.read(1 << 20):
        hasher.update(chunk)
    return hasher.hexdigest()


def _run(start: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
    """Run a coroutine in a thread of its own, so that a caller's event loop is no obstacle."""
    outcome: list[_Result] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(asyncio.run(start()))
        except BaseException as error:  # noqa: BLE001  # a Rust panic is a BaseException
            failure.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join()
    if not failure:
        return outcome[0]
    error = failure[0]
    if type(error).__name__ == "PanicException":
        raise EnvsyncError(f"rattler gave up: {_first_line(error)}") from error
    raise error


def _parse_match_spec(text: str) -> rattler.MatchSpec:
    try:
        return rattler.MatchSpec(text)  # lenient: `python=3.7.*` is common
    except InvalidMatchSpecError as error:
        raise DefinitionError(
            f"`{text}` is not a match spec: {_first_line(error)}",
            hint="write it as `name`, `name=1.2`, `name>=1.2,<2` or `channel::name=1.2=build`",
        ) from error


def _source(channel: Channel) -> rattler.Channel | MultiSource:
    channels = [rattler.Channel(url) for url in channel.urls]
    return channels[0] if len(channels) == 1 else MultiSource(channel.name, channels)


def _to_generic(fact: VirtualPackage) -> rattler.GenericVirtualPackage:
    return rattler.GenericVirtualPackage(
        PackageName(fact.name), rattler.Version(fact.version), BuildString(fact.build)
    )


def _from_record(record: rattler.RepoDataRecord, subdir: str) -> LockedPackage:
    return LockedPackage(
        name=record.name.normalized,
        version=str(record.version),
        manager="conda",
        subdir=subdir,
        url=redact_url(str(record.url)),
        md5=record.md5.hex() if record.md5 else None,
        sha256=record.sha256.hex() if record.sha256 else None,
        build=str(record.build),
        dependencies=_join_dependencies(record.depends),
    )


def _join_dependencies(depends: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Map names to requirements; two requirements on one name are joined by a comma."""
    joined: dict[str, str] = {}
    for text in depends:
        name, _, requirement = text.partition(" ")
        earlier = joined.get(name, "")
        both_plain = " " not in earlier and " " not in requirement
        if earlier and requirement and both_plain:
            joined[name] = f"{earlier},{requirement}"
        else:
            joined[name] = max(earlier, requirement, key=len)
    return tuple(sorted(joined.items()))


def _to_record(package: LockedPackage) -> rattler.RepoDataRecord:
    folder, _, file_name = package.url.rpartition("/")
    channel, _, subdir = folder.rpartition("/")
    build = package.build or _build_from_file_name(unquote(file_name))
    record = rattler.PackageRecord(
        package.name,
        package.version,
        BuildString(build),
        _build_number(build),
        subdir,
        depends=[f"{name} {version}".strip() for name, version in package.dependencies],
        md5=bytes.fromhex(package.md5) if package.md5 else None,
        sha256=bytes.fromhex(package.sha256) if package.sha256 else None,
    )
    return rattler.RepoDataRecord(record, unquote(file_name), package.url, f"{channel}/")


def _build_from_file_name(file_name: str) -> str:
    match = _ARCHIVE.search(file_name)
    return match["build"] if match else ""


def _build_number(build: str) -> int:
    last = build.rpartition("_")[2]
    return int(last) if last.isdigit() else 0


def _explain_unsatisfiable(request: CondaRequest, error: SolverError) -> UnsatisfiableError:
    text = str(error).removeprefix("Cannot solve the request because of: ")
    names = ", ".join(f"`{channel.name}`" for channel in request.channels)
    plural = "s" if len(request.channels) > 1 else ""
    return UnsatisfiableError(
        f"No solution for `{request.subdir}` with channel{plural} {names}",
        reasons=[redact_url(line) for line in text.splitlines() if line.strip()],
        hint="relax or drop one of the requirements named above",
    )


def _find_url(error: Exception) -> str:
    match = _URL.search(str(error))
    return match[0] if match else ""


def _stands_behind(found: str, url: str) -> bool:
    return f"{redact_url(found)}/".startswith(f"{redact_url(url)}/")


def _without_missing(channels: tuple[Channel, ...], error: Exception) -> tuple[Channel, ...]:
    """Return *channels* without the address that *error* says is not there, if others remain."""
    found = _find_url(error)
    if "(404 " not in str(error):
        return channels
    return tuple(
        replace(channel, urls=tuple(url for url in channel.urls if not _stands_behind(found, url)))
        if len(channel.urls) > 1
        else channel
        for channel in channels
    )


def _explain_unreachable(channels: Sequence[Channel], error: Exception) -> EnvsyncError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    found = _find_url(error)
    named = [
        channel.name
        for channel in channels
        if any(_stands_behind(found, url) for url in channel.urls)
    ]
    subject = f"channel `{named[0]}`" if named else "a channel"
    cause = redact_url(lines[-1].removeprefix("Caused by: ")) if lines else "no reason given"
    return EnvsyncError(
        f"Cannot read {subject} ({redact_url(found)}): {cause}"
        if found
        else f"Cannot read {subject}: {cause}",
        hint="check its name and the network; a mirror goes under `[mirrors]` in `config.toml`",
    )


def _explain_install(packages: Sequence[LockedPackage], error: Exception) -> EnvsyncError:
    lines = [redact_url(line.strip()) for line in str(error).splitlines() if line.strip()]
    text = "; ".join(line.removeprefix("Caused by: ") for line in lines)
    named = [package for package in packages if package.url.rpartition("/")[2] in text]
    subject = f"`{named[0].name} {named[0].version}`" if named else "the conda packages"
    return EnvsyncError(f"Cannot install {subject}: {text}")


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
