"""The Python packages in a prefix that pip, or another installer than conda, put there."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from envsync.model.pip_name import normalize_pip_name
from envsync.model.redaction import quote
from envsync.spec.conda_record import CondaRecord, read_prefix_file
from envsync.spec.report import Report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PLACES = ("lib/python*/site-packages", "Lib/site-packages")
_USERINFO = re.compile(r"(?<=://)[^/?#\s]+@")
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
    if public != url:
        message = f"the credentials in the address of {quote(name)} are left out"
        report.warn("", message, hint="give them to pip by its own configuration")
    return f"{name} @ {_join(public, origin)}"


def _join(url: str, origin: dict[str, Any]) -> str:
    subdirectory = origin.get("subdirectory")
    fragment = f"#subdirectory={subdirectory}" if isinstance(subdirectory, str) else ""
    vcs = origin.get("vcs_info")
    if not isinstance(vcs, dict):
        return url + fragment
    kind, commit = vcs.get("vcs"), vcs.get("commit_id")
    return f"{kind or 'git'}+{url}" + (f"@{commit}" if commit else "") + fragment


def _read_origin(folder: Path) -> dict[str, Any]:
    try:
        value = json.loads(_read(folder / "direct_url.json") or b"null")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _read(path: Path) -> bytes | None:
    """Return the content of *path*, None where it is no file of bearable size."""
    return read_prefix_file(path, Report("")) if path.is_file() else None
