"""Explicit specs: a list of addresses and hashes, for one subdir (CEP 23)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from envsync.errors import DefinitionError, Finding
from envsync.lock.entry_faults import REPAIR, find_faults
from envsync.model.lockfile import LockedPackage

if TYPE_CHECKING:
    from collections.abc import Sequence

MARK = "@EXPLICIT"

_FILE_NAME = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)-(?P<build>[^-]+)\.(?:conda|tar\.bz2)")
_PLATFORM = re.compile(r"#\s*platform:\s*(?P<subdir>[\w-]+)\s*")
_DIGESTS = {32: "md5", 64: "sha256"}
# As `conda-lock render` writes what installers of conda packages are to leave alone.
_PIP = re.compile(r"#\s*pip\s+(?P<name>\S+)\s+@\s+(?P<url>\S+)#sha256=(?P<sha256>[0-9a-fA-F]{64})")
_WHEEL_OR_SOURCE = re.compile(
    r"[^-]+(?:-[^-\d][^-]*)*-(?P<version>\d[^-]*?)(?:-.*\.whl|\.tar\.gz|\.zip)"
)


def dump_explicit(packages: Sequence[LockedPackage], subdir: str) -> str:
    """Return the conda packages among *packages* as an explicit spec for *subdir*.

    pip packages have no place in it. A sha256 is written where there is one: `conda` reads it
    from version 24.5 on, as `#sha256:…`; older ones read only the md5, so that is preferred.
    """
    lines = [f"# platform: {subdir}", MARK]
    for package in packages:
        if package.manager == "conda":
            digest = f"#{package.md5 or f'sha256:{package.sha256}'}"
            lines.append(f"{package.url}{digest}")
    return "\n".join((*lines, ""))


def parse_explicit(text: str, *, file: str, subdir: str) -> tuple[LockedPackage, ...]:
    """Return the packages of an explicit spec, for the subdir that it names or else *subdir*.

    pip packages count where conda-lock has put them, in comments.

    Raises:
        DefinitionError: a line is not the address of a conda package with its hash.
    """
    findings = []
    packages: dict[LockedPackage, None] = {}
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if match := _PLATFORM.fullmatch(line):
            subdir = match["subdir"]
        pip = _PIP.fullmatch(line)
        if pip is None and (not line or line.startswith(("#", "@"))):
            continue
        package = _parse_pip(pip, subdir) if pip is not None else _parse_line(line, subdir)
        if package is None:
            message = "this is not the address of a conda package with its hash"
            hint = "write it as `https://…/name-1.0-build.conda#md5`"
            findings.append(Finding(file=file, line=number, message=message, hint=hint))
            continue
        packages[package] = None
        findings += [
            Finding(file=file, line=number, message=f"the {key} {fault}", hint=REPAIR)
            for key, fault in find_faults(package)
        ]
    if findings:
        raise DefinitionError.from_findings(findings)
    return tuple(packages)


def _parse_pip(match: re.Match[str], subdir: str) -> LockedPackage | None:
    named = _WHEEL_OR_SOURCE.fullmatch(unquote(match["url"].rpartition("/")[2]))
    return LockedPackage(
        name=match["name"],
        version=named["version"] if named is not None else "0",
        manager="pip",
        subdir=subdir,
        url=match["url"],
        sha256=match["sha256"].lower(),
    )


def _parse_line(line: str, subdir: str) -> LockedPackage | None:
    url, _, digest = line.partition("#")
    digest = digest.removeprefix("sha256:").lower()
    match = _FILE_NAME.fullmatch(unquote(url.rpartition("/")[2]))
    kind = _DIGESTS.get(len(digest))
    if match is None or kind is None or re.search(r"[^0-9a-f]", digest):
        return None
    return LockedPackage(
        name=match["name"],
        version=match["version"],
        manager="conda",
        subdir=subdir,
        url=url,
        md5=digest if kind == "md5" else None,
        sha256=digest if kind == "sha256" else None,
        build=match["build"],
    )
