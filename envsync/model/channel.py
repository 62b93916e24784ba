"""Channels, the sources of conda packages (CEP 26)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from envsync.model.text.redaction import LOOSE, ODD_USERINFO, QUERY, hide_misspelt, hide_nameless

_ANACONDA_ORG = "https://conda.anaconda.org"
_DEFAULT_SETS = ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r")
_WINDOWS_SET = "https://repo.anaconda.com/pkgs/msys2"

# `defaults` is a set of channels with the same priority, and the channel `anaconda` has the
# same packages.
_CHANNEL_SETS = ("defaults", "anaconda", "pkgs/main")

_USERINFO = re.compile(r"(?<=://)(?<!ssh://)[^/?#\s]+@")  # a password may have an `@`
_SSH_PASSWORD = re.compile(r"(?<=ssh://)([^/:@\s]*):[^/?#\s]+@")
_TOKEN = re.compile(r"/t/[^/\s]+(?=/|$)")

_EMPTY_QUERY = re.compile(r"\?(?=[)\]}>\"'`,;:.]*(?:[\s#]|$))")
_EMPTY_FRAGMENT = re.compile(r"(?<=\w)#(?=[)\]}>\"'`,;:.]*(?:\s|$)|::)")

DEFAULT_CHANNELS = ("defaults",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """A name and the URLs behind it, which have the same channel priority.

    *urls* end without a slash. They may have credentials; *name* never does.
    """

    name: str
    urls: tuple[str, ...]


def resolve_channel(text: str, subdir: str) -> Channel:
    """Return the channel *text* of a definition, for packages of *subdir*."""
    stripped = text.strip().rstrip("/")
    if stripped in _CHANNEL_SETS:
        urls = _DEFAULT_SETS[:1] if stripped == "pkgs/main" else _DEFAULT_SETS
        if subdir.startswith("win-") and stripped != "pkgs/main":
            urls = (*urls, _WINDOWS_SET)
        return Channel(name=stripped, urls=urls)
    if stripped.startswith("pkgs/"):
        return Channel(name=stripped, urls=(f"https://repo.anaconda.com/{stripped}",))
    if "://" in stripped:
        return Channel(name=redact_url(stripped), urls=(stripped,))
    name = redact_url(stripped)  # without the password of a misspelt address
    return Channel(name=name, urls=(f"{_ANACONDA_ORG}/{name}",))


def redact_url(url: str) -> str:
    """Return *url* without user, password, channel token and query, so that a lock may hold it.

    It may have text around it. A fragment about an archive, such as its hash, stays.
    """
    url = hide_misspelt(_USERINFO.sub("", ODD_USERINFO.sub("", url)), "")
    url = _TOKEN.sub("", _SSH_PASSWORD.sub(r"\1@", url))  # over ssh a user is not a secret
    url = _EMPTY_QUERY.sub("", LOOSE.sub("", QUERY.sub("", url)))
    return _EMPTY_FRAGMENT.sub("", hide_nameless(url, r"\1"))
