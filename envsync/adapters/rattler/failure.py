"""rattler's errors, said so that their reader can act on them."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from envsync.adapters.rattler.network import find_proxy
from envsync.adapters.rattler.patience import Stalled
from envsync.errors import EnvsyncError, UnsatisfiableError
from envsync.model.channel import redact_url
from envsync.model.text.wording import suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rattler.config import Config

    from envsync.model.channel import Channel
    from envsync.model.lockfile import LockedPackage
    from envsync.solve.request import CondaRequest

RETRIES = 3
OFFLINE = "the network may not be asked"

_CUT = "error decoding response body"
_CONFLICT = re.compile(
    r"(?P<lead>[│ ]*)(?P<knot>[├└]─ )(?P<name>\S+) (?P<version>[^\s,|]+)"
    r"(?P<tail>, which conflicts .*)"
)
_MOST_VERSIONS = 4
_WELL_KNOWN = ("anaconda", "bioconda", "conda-forge", "defaults", "intel", "microsoft", "nvidia")
_URL = re.compile(r"(?:https?|file|oci|s3|gcs)://[^\s)'`]+")
_STATUS = re.compile(r"HTTP status (?:client|server) error \((?P<status>\d+ [^)]+)\)")
_LATER = "try again later, or name a mirror under `[mirrors]` in `config.toml`"
_CERTIFICATE = "name the file of the authority that signed it in `SSL_CERT_FILE`"
_MIRROR = "a mirror goes under `[mirrors]` in `config.toml`"
_UNREACHABLE = f"check the network; {_MIRROR}"
_EMPTY_CACHE = "remove what `RATTLER_CACHE_DIR` has of it, and run this again"
_HINTS = (
    ("failed to create directory", "name a folder that you may write to in `RATTLER_CACHE_DIR`"),
    ("No space left on device", "free some space there, and run this again"),
    ("Read-only file system", "choose a place that you may write to"),
    ("Permission denied", "choose a place that you may write to"),
    *((f"`{status} ", _LATER) for status in (408, 429)),
    ("`5", _LATER),
    *(
        (
            mark,
            "store credentials for its host with `.netrc`, `RATTLER_AUTH_FILE` or rattler's tools",
        )
        for mark in ("`401 ", "`403 ", "(401 ", "(403 ")
    ),
    ("`407 ", "the proxy wants credentials: `http://user:password@proxy` in `HTTPS_PROXY`"),
    ("no repodata", "look at its address: a proxy or a login page may answer in its place"),
    ("ertificate", _CERTIFICATE),
    ("UnknownIssuer", _CERTIFICATE),
    ("sends nothing", "try again later, or wait longer: `ENVSYNC_TIMEOUT` holds the seconds"),
)


def explain_unsatisfiable(request: CondaRequest, error: Exception) -> UnsatisfiableError:
    """Return the error that holds the solver's reasons, a line each."""
    text = str(error).removeprefix("Cannot solve the request because of: ")
    names = ", ".join(f"`{channel.name}`" for channel in request.channels)
    plural = "s" if len(request.channels) > 1 else ""
    return UnsatisfiableError(
        f"No solution for `{request.subdir}` with channel{plural} {names}",
        reasons=fold_reasons(redact_url(line) for line in text.splitlines() if line.strip()),
        hint="relax or drop one of the requirements named above",
    )


def fold_reasons(lines: Iterable[str]) -> list[str]:
    """Return the *lines* of a tree of reasons, one for all builds that conflict in the same way."""
    folded: list[str] = []
    for key, group in groupby(lines, key=_find_conflict):
        same = list(group)
        if key is None:
            folded += same
            continue
        lead, name, tail = key
        found = [match for line in same if (match := _CONFLICT.fullmatch(line))]
        versions = list(dict.fromkeys(match["version"] for match in found))
        if len(versions) > _MOST_VERSIONS:
            versions = [*versions[:2], "...", versions[-1]]
        folded.append(f"{lead}{found[-1]['knot']}{name} {' | '.join(versions)}{tail}")
    return folded


def _find_conflict(line: str) -> tuple[str, str, str] | None:
    """Return what lines of the same conflict have in common, None for others."""
    match = _CONFLICT.fullmatch(line)
    return (match["lead"], match["name"], match["tail"]) if match is not None else None


def explain_unreachable(
    channels: Sequence[Channel],
    error: Exception,
    *,
    config: Config,
    address: str = "",
) -> EnvsyncError:
    """Return the error that names the channel of *channels* that *error* is about.

    It is told by the address in *error*, which may be that of a mirror in *config*, else by
    *address*.
    """
    found = redact_url(_find_url(error) or address)
    mirrors = config.mirrors
    named = [
        channel.name
        for channel in channels
        if len(channels) == 1
        or any(_stands_behind(found, place) for place in _list_places(channel, mirrors))
    ]
    subject = f"channel `{named[0]}`" if named else "a channel"
    place = f" ({found})" if found else ""
    proxy = find_proxy(config, found)
    if proxy is not None:
        place += f" by the proxy `{redact_url(proxy)}`"
    cause = _find_cause(error)
    tries = _count_tries(error)
    tried = "" if tries == 1 else ", tried twice" if tries == 2 else f", tried {tries} times"  # noqa: PLR2004
    return EnvsyncError(
        f"Cannot read {subject}{place}{tried}: {cause}",
        hint=_find_meant(named) or _hint_unreachable(cause, is_proxied=proxy is not None),
    )


def _find_meant(named: Sequence[str]) -> str | None:
    """Return the hint at the well-known channel that is meant by the first name, if one is."""
    if not named or "/" in named[0] or named[0] in _WELL_KNOWN:
        return None
    lowered = named[0].lower().replace("_", "-").replace(" ", "-")
    if lowered in _WELL_KNOWN:
        return f"did you mean `{lowered}`?"
    return suggest(lowered, _WELL_KNOWN)


def names_an_address(error: Exception) -> bool:
    """Tell whether *error* says which address it is about."""
    return bool(_find_url(error))


def is_cut_short(error: Exception) -> bool:
    """Tell whether *error* is an answer that ended too soon, which rattler did not ask for again.

    It does so for repodata in one file, and not for the index of sharded repodata.
    """
    return _CUT in str(error) and not names_an_address(error)


def is_unreadable(error: Exception) -> bool:
    """Tell whether *error* is about what was got, and not about getting it.

    A part that is no more where its index has it is a sign of an index of yesterday.
    """
    return "/shards/" in str(error) or not (
        isinstance(error, Stalled) or _STATUS.search(str(error)) or _count_tries(error) > 1
    )


def _list_places(channel: Channel, mirrors: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield the addresses that *channel* is read from."""
    for url in channel.urls:
        yield url
        for canonical, others in mirrors.items():
            if _stands_behind(url, canonical.rstrip("/")):
                rest = url.removeprefix(canonical.rstrip("/"))
                bare = (redact_url(other).rstrip("/") for other in others)
                yield from (f"{other}{rest}" for other in bare)


def _find_cause(error: Exception) -> str:
    if isinstance(error, Stalled):
        return f"it sends nothing for {error.seconds:g} s"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    cause = redact_url(lines[-1].removeprefix("Caused by: ")) if lines else "no reason given"
    status = _STATUS.search(cause)
    if status is not None:
        return f"it answers `{status['status']}`"
    if "failed to parse" in lines[0] or "failed to deserialize" in lines[0]:
        return f"what it sends is no repodata ({cause})"
    return cause


def _count_tries(error: Exception) -> int:
    """Return how often was asked what ends in *error*: more than once for what may pass."""
    if isinstance(error, Stalled):
        return 2
    text = str(error)
    status = _STATUS.search(text)
    if status is not None:
        return RETRIES + 1 if status["status"].startswith(("5", "408", "429")) else 1
    was_retried = f"after {RETRIES} retries" in text or _CUT in text
    return RETRIES + 1 if was_retried else 1


def _hint_unreachable(cause: str, *, is_proxied: bool) -> str:
    if is_proxied and ("(os error" in cause or "proxy" in cause.lower()):
        return "check the proxy in `HTTPS_PROXY` or under `[proxy-config]` in `config.toml`"
    return next(
        (hint for mark, hint in _HINTS if mark in cause),
        f"check its name and the network; {_MIRROR}",
    )


def explain_install(packages: Sequence[LockedPackage], error: Exception) -> EnvsyncError:
    """Return the error that names the package of *packages* that *error* is about."""
    told = _find_cause(error) if isinstance(error, Stalled) else str(error)
    lines = [redact_url(line.strip()) for line in told.splitlines() if line.strip()]
    text = "; ".join(line.removeprefix("Caused by: ") for line in lines)
    named = [package for package in packages if package.url.rpartition("/")[2] in text]
    named = named or list(packages if len(packages) == 1 else ())
    subject = f"`{named[0]}`" if named else "the conda packages"
    if OFFLINE in text:
        return explain_cached(packages[0] if not named else named[0])
    return EnvsyncError(f"Cannot install {subject}: {text}", hint=_hint_install(text))


def explain_cached(package: LockedPackage) -> EnvsyncError:
    """Return the error that tells that the cache has no archive for *package*, and must have it."""
    return EnvsyncError(
        f"`{package}` in the cache is not the archive that was locked, and {OFFLINE}",
        hint="run it once without `--offline`",
    )


def explain_other_bytes(package: LockedPackage, found: str, wanted: str) -> EnvsyncError:
    """Return the error that tells that the archive of *package* is not the one *wanted*."""
    return EnvsyncError(
        f"Cannot install `{package}`: hash mismatch: its archive is `{found}`, "
        f"the lockfile says `{wanted}`",
        hint="the channel has other bytes than were locked: find out why before you lock again",
    )


def _hint_install(text: str) -> str | None:
    marks = (
        *_HINTS,
        ("failed to link", _EMPTY_CACHE),
        *((mark, _UNREACHABLE) for mark in ("error sending request", _CUT)),
    )
    return next((hint for mark, hint in marks if mark in text), None)


def is_harmed(error: EnvsyncError) -> bool:
    """Tell whether *error*, by `explain_install`, may come of files that a cache lacks."""
    return error.hint == _EMPTY_CACHE


def without_missing(channels: tuple[Channel, ...], error: Exception) -> tuple[Channel, ...]:
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


def _find_url(error: Exception) -> str:
    match = _URL.search(str(error))
    return match[0] if match else ""


def _stands_behind(found: str, url: str) -> bool:
    return f"{redact_url(found)}/".startswith(f"{redact_url(url)}/")


def last_line(error: BaseException) -> str:
    """Return the end of rattler's chain of causes."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def first_line(error: BaseException) -> str:
    """Return the start of rattler's chain of causes."""
    return (str(error).splitlines() or [type(error).__name__])[0]
