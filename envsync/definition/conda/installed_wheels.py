"""The Python packages in a prefix that pip, or another installer than conda, put there."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as spell

from envsync.definition.conda.record import CondaRecord, read_prefix_file
from envsync.definition.reading.report import Report
from envsync.model.pip_name import normalize_pip_name
from envsync.model.repository import has_sound_subdirectory
from envsync.model.text.redaction import quote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PLACES = ("lib/python*/site-packages", "Lib/site-packages")
_USERINFO = re.compile(r"(?<=://)[^/?#\s]+@")
# Each becomes a part of a line that pip reads, where more than it would be an option, or a marker.
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")  # PEP 508
_URL = re.compile(r"(?:https?|ssh|git)://(?!-)(?:(?!\$\{)[!-~])+", re.IGNORECASE)
_NOT_IN_URL = re.compile(r"[;#\"'<>\\^`{|}\[\]]")
_SYSTEMS = ("git", "hg", "svn", "bzr")  # PEP 610
_COMMIT = re.compile(r"[0-9A-Fa-f]{1,64}")
_HEADER = re.compile(rb"^(Name|Version):[ \t]*(\S+)[ \t]*\r?$", re.MULTILINE)


def find_pip_packages(
    prefix: Path, records: tuple[CondaRecord, ...], report: Report
) -> dict[str, str]:
    """Return a pip requirement for each package that is none of conda's *records*, by name."""
    of_conda = {folder for record in records for folder in record.dist_infos}
    found = {}
    for folder in _list_metadata(prefix):
        if folder.name.rpartition(".")[0] in of_conda or _installer(folder) == "conda":
            continue
        named = _read_headers(folder)
        if named is None:
            report.warn("", f"{quote(folder.name)} says neither name nor version; it is left out")
            continue
        name, version = named
        if not _NAME.fullmatch(name) or not _is_version(version):
            message = f"{quote(folder.name)} has a name or a version that no index knows"
            report.warn("", f"{message}; it is left out", hint="reinstall the package")
            continue
        found[normalize_pip_name(name)] = _require(folder, name, version, report)
    return found


def _list_metadata(prefix: Path) -> Iterator[Path]:
    for place in _PLACES:
        for site_packages in sorted(prefix.glob(place)):
            # `lib/python3.1` is a link to `lib/python3.10` in prefixes of some Pythons
            if not site_packages.parent.is_symlink():
                yield from sorted(site_packages.glob("*.dist-info"))
                yield from sorted(site_packages.glob("*.egg-info"))


def _installer(folder: Path) -> str:
    content = _read(folder / "INSTALLER")
    return "" if content is None else content.decode("utf-8", errors="replace").strip()


def _read_headers(folder: Path) -> tuple[str, str] | None:
    """Return name and version by the core metadata, which an egg keeps under another name."""
    candidates = (folder / "METADATA", folder / "PKG-INFO", folder)
    content = next((read for path in candidates if (read := _read(path)) is not None), b"")
    headers = content.split(b"\n\n", 1)[0].split(b"\r\n\r\n", 1)[0]
    found: dict[bytes, str] = {}
    for match in _HEADER.finditer(headers):
        found.setdefault(match[1], match[2].decode("utf-8", errors="replace"))
    return (found[b"Name"], found[b"Version"]) if len(found) == 2 else None  # noqa: PLR2004


def _is_version(text: str) -> bool:
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415  # few need it

    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _require(folder: Path, name: str, version: str, report: Report) -> str:
    """Return the requirement that gives this package again (PEP 610 says where it is from)."""
    pinned = f"{name}=={version}"
    origin = _read_origin(folder)
    url = origin.get("url")
    if not isinstance(url, str) or not url:
        if "+" in version:
            hint = "add the `--extra-index-url` that it came from"
            report.warn("", f"{quote(pinned)} is a build that the usual index lacks", hint=hint)
        return pinned
    if url.startswith("file:"):
        message = f"{quote(name)} was installed from this machine; its version is named instead"
        report.warn("", message, hint="put it on an index")
        return pinned
    public = _USERINFO.sub("", url)
    address = _join(public, origin)
    if address is None:
        message = f"the address of {quote(name)} is none that a definition can hold"
        hint = "put it on an index"
        report.warn("", f"{message}; its version is named instead", hint=hint)
        return pinned
    if public != url:
        message = f"the credentials in the address of {quote(name)} are left out"
        report.warn("", message, hint="give them to pip by its own configuration")
    return f"{name} @ {address}"


def _join(url: str, origin: dict[str, Any]) -> str | None:
    """Return the address behind the name of a requirement, None where a part of it is none."""
    subdirectory = origin.get("subdirectory")
    is_named = isinstance(subdirectory, str) and subdirectory
    fragment = f"#subdirectory={spell(str(subdirectory))}" if is_named else ""
    if not _URL.fullmatch(url) or _NOT_IN_URL.search(url) or not has_sound_subdirectory(fragment):
        return None
    vcs = origin.get("vcs_info")
    if not isinstance(vcs, dict):
        return url + fragment
    kind, commit = vcs.get("vcs") or "git", vcs.get("commit_id") or ""
    if kind not in _SYSTEMS or not isinstance(commit, str):
        return None
    if commit and not _COMMIT.fullmatch(commit):
        return None
    return f"{kind}+{url}" + (f"@{commit}" if commit else "") + fragment


def _read_origin(folder: Path) -> dict[str, Any]:
    try:
        value = json.loads(_read(folder / "direct_url.json") or b"null")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _read(path: Path) -> bytes | None:
    """Return the content of *path*, None where it is no file of bearable size."""
    return read_prefix_file(path, Report("")) if path.is_file() else None
