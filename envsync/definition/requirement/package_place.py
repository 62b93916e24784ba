"""Where a conda package comes from and what machine it is for, as a definition says it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envsync.model.channel import redact_url
from envsync.model.environment import OciPlatform

if TYPE_CHECKING:
    from collections.abc import Iterable

_DEFAULTS = ("https://repo.anaconda.com/pkgs/", "https://repo.continuum.io/pkgs/")
_ANACONDA_ORG = "https://conda.anaconda.org/"
_PLAIN = re.compile(r"(?!-)[^\s$\x00-\x1f\x7f]+")
_ARCHITECTURES = {"linux-aarch64": "arm64", "linux-ppc64le": "ppc64le"}


def is_plain_channel(name: str) -> bool:
    """Tell whether *name* is one that a definition may hold though somebody else wrote it.

    It has no variable, whose value it would get, and no more than one line.
    """
    return bool(_PLAIN.fullmatch(name))


def name_channel(url: str) -> str:
    """Return the channel of a package as a definition names it."""
    redacted = redact_url(url).rstrip("/")
    head, _, tail = redacted.rpartition("/")
    if tail == "noarch" or tail.startswith(("linux-", "osx-", "win-")):
        redacted = head
    if redacted.startswith("pkgs/") or redacted == "defaults" or redacted.startswith(_DEFAULTS):
        return "defaults"
    return redacted.removeprefix(_ANACONDA_ORG)


def find_platform(subdirs: Iterable[str]) -> OciPlatform:
    """Return the Docker platform of packages for *subdirs*; Azure ML's own for macOS."""
    known = set(subdirs) - {"noarch", ""}
    if known == {"win-64"}:
        return OciPlatform(os="Windows")
    return OciPlatform(architecture=_ARCHITECTURES.get(next(iter(known), ""), "amd64"))
