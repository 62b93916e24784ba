"""rattler's errors, said so that their reader can act on them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError, UnsatisfiableError
from envsync.model.channel import redact_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envsync.model.channel import Channel
    from envsync.model.lockfile import LockedPackage
    from envsync.solve.request import CondaRequest

_URL = re.compile(r"(?:https?|file)://[^\s)']+")


def explain_unsatisfiable(request: CondaRequest, error: Exception) -> UnsatisfiableError:
    """Return the error that holds the solver's reasons, a line each."""
    text = str(error).removeprefix("Cannot solve the request because of: ")
    names = ", ".join(f"`{channel.name}`" for channel in request.channels)
    plural = "s" if len(request.channels) > 1 else ""
    return UnsatisfiableError(
        f"No solution for `{request.subdir}` with channel{plural} {names}",
        reasons=[redact_url(line) for line in text.splitlines() if line.strip()],
        hint="relax or drop one of the requirements named above",
    )


def explain_unreachable(channels: Sequence[Channel], error: Exception) -> EnvsyncError:
    """Return the error that names the channel of *channels* that *error* is about."""
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


def explain_install(packages: Sequence[LockedPackage], error: Exception) -> EnvsyncError:
    """Return the error that names the package of *packages* that *error* is about."""
    lines = [redact_url(line.strip()) for line in str(error).splitlines() if line.strip()]
    text = "; ".join(line.removeprefix("Caused by: ") for line in lines)
    named = [package for package in packages if package.url.rpartition("/")[2] in text]
    subject = f"`{named[0].name} {named[0].version}`" if named else "the conda packages"
    return EnvsyncError(f"Cannot install {subject}: {text}", hint=_hint_install(text))


def _hint_install(text: str) -> str | None:
    if "hash mismatch" in text:
        return "the channel has other bytes than were locked: find out why before you lock again"
    if "(401 " in text or "(403 " in text:
        return "store credentials for its host as rattler's tools do, or in the channel's address"
    return None


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
