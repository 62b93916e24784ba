"""The hashes that a definition states, which uv does not look at when it locks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from envsync.errors import EnvsyncError
from envsync.model.channel import redact_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envsync.model.lockfile import LockedPackage
    from envsync.model.pip_section import PipRequirement

_KIND = re.compile(r"[#&](md5|sha1|sha224|sha256|sha384|sha512)=")
_FRAGMENT = re.compile(r"[#&]sha256=([0-9a-fA-F]{64})")


def keep_stated(packages: Iterable[dict[str, Any]], asked: Iterable[PipRequirement]) -> None:
    """Leave to *packages*, as a `pylock.toml` has them, only files with hashes that are stated.

    A requirement that states no sha256 allows every file.

    Raises:
        EnvsyncError: none of a package's files has a hash that its requirement states.
    """
    stated = {_key(each): (each, found) for each in asked if (found := _list_sha256(each))}
    for package in packages:
        url = redact_url(package.get("archive", {}).get("url", ""))
        keys = (canonicalize_name(package["name"]), url)
        requirement, allowed = next(
            (stated[key] for key in keys if key in stated), (None, frozenset())
        )
        if requirement is None or "vcs" in package or "directory" in package:
            continue
        had = _list_found(package)
        package["wheels"] = [it for it in package.get("wheels", ()) if _sha256(it) in allowed]
        for key in ("sdist", "archive"):
            if key in package and _sha256(package[key]) not in allowed:
                del package[key]
        if not _list_found(package):
            named = ", ".join(f"`{digest}`" for digest in had[:3])
            raise EnvsyncError(
                f"`{redact_url(requirement.text)}` states another sha256 than it has: {named}",
                hint="find out who changed it, or state what it has",
            )
        if not package["wheels"]:
            del package["wheels"]


def refuse_unstated(packages: Iterable[LockedPackage], asked: Iterable[PipRequirement]) -> None:
    """Refuse *packages* that nobody *asked* for, and which so have no hash that is stated.

    Raises:
        EnvsyncError: there is one.
    """
    known = {_key(each) for each in asked}
    missing = [it for it in packages if it.name not in known and it.url not in known]
    if missing:
        names = ", ".join(f"`{it.name}`" for it in missing)
        lines = ", ".join(f"`{it.name}=={it.version} --hash=sha256:{it.sha256}`" for it in missing)
        raise EnvsyncError(
            f"`--require-hashes` asks for a hash of everything, and `pip:` has no line for {names}",
            hint=f"add {lines}",
        )


def list_unheld(asked: Iterable[PipRequirement]) -> Iterator[str]:
    """Say of requirements which state other hashes alone that these are not looked at."""
    for requirement in asked:
        kinds = [text.partition(":")[0] for text in requirement.hashes]
        kinds += _KIND.findall(requirement.url or "")
        if kinds and "sha256" not in kinds:
            yield (
                f"`{redact_url(requirement.text)}` states a {kinds[0]}, which is not looked at: "
                "state its sha256"
            )


def _key(requirement: PipRequirement) -> str:
    """Return what tells *requirement* from others: its name, or its address where that has none."""
    return requirement.name or redact_url((requirement.url or "").partition("#")[0])


def _list_sha256(requirement: PipRequirement) -> frozenset[str]:
    pairs = (text.partition(":")[::2] for text in requirement.hashes)
    found = [digest for kind, digest in pairs if kind == "sha256"]
    found += _FRAGMENT.findall(requirement.url or "")
    return frozenset(digest.lower() for digest in found)


def _list_found(package: dict[str, Any]) -> list[str]:
    files = [*package.get("wheels", ()), package.get("sdist"), package.get("archive")]
    return [_sha256(file) for file in files if file is not None]


def _sha256(file: dict[str, Any]) -> str:
    return str(file.get("hashes", {}).get("sha256", "")).lower()
