"""Locked packages and match specs as rattler sees them, and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import unquote

import rattler
from rattler.exceptions import InvalidMatchSpecError
from rattler.package import BuildString

from envsync.adapters.rattler.credentials import without_credentials
from envsync.adapters.rattler.failure import first_line
from envsync.definition.requirement.match_spec import MatchSpecError, spell_for_solver
from envsync.errors import DefinitionError
from envsync.model.channel import redact_url
from envsync.model.lockfile import LockedPackage
from envsync.model.text.redaction import quote

if TYPE_CHECKING:
    from collections.abc import Iterable


def parse_match_spec(text: str) -> rattler.MatchSpec:
    """Return the match spec that *text* is.

    Raises:
        DefinitionError: it is none.
    """
    try:
        return rattler.MatchSpec(spell_for_solver(text))  # lenient: `python=3.7.*` is common
    except (MatchSpecError, InvalidMatchSpecError) as error:
        raise DefinitionError(
            f"`{text}` is not a match spec: {first_line(error)}",
            hint="write it as `name`, `name=1.2`, `name>=1.2,<2` or `channel::name=1.2=build`",
        ) from error


def from_record(record: rattler.RepoDataRecord, subdir: str) -> LockedPackage:
    """Return *record* as a package locked for *subdir*, without what is secret in its URL."""
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
        purls=_find_purls(record),
    )


def to_record(package: LockedPackage) -> rattler.RepoDataRecord:
    """Return *package* as it stood in its channel's repodata.

    Raises:
        DefinitionError: no channel could have it.
    """
    url = without_credentials(package.url)
    folder, _, file_name = url.rpartition("/")
    channel, _, subdir = folder.rpartition("/")
    build = package.build
    try:
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
        return rattler.RepoDataRecord(record, unquote(file_name), url, f"{channel}/")
    except Exception as error:  # names, versions, builds and addresses have each their own
        raise DefinitionError(
            f"{quote(str(package))} is no conda package: {first_line(error)}"
        ) from error


def _find_purls(record: rattler.RepoDataRecord) -> tuple[str, ...] | None:
    found = json.loads(record.to_json()).get("purls")  # 0.28 has no attribute for them
    return None if found is None else tuple(found)


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


def _build_number(build: str) -> int:
    last = build.rpartition("_")[2]
    return int(last) if last.isdigit() else 0
