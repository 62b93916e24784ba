"""What no entry of a lock may say, whoever wrote the lock and in whatever format."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from envsync.model.text.redaction import find_named_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envsync.model.lockfile import LockedPackage

REPAIR = "lock again, or undo what was edited"  # whatever is wrong with a lock

# CEP 26, and those that conda itself knows beyond it.
SUBDIRS = frozenset(
    {
        *("emscripten-wasm32", "freebsd-64", "wasi-wasm32", "zos-z"),
        *("linux-32", "linux-64", "linux-aarch64", "linux-armv6l", "linux-armv7l"),
        *("linux-loongarch64", "linux-ppc64", "linux-ppc64le", "linux-riscv32", "linux-riscv64"),
        *("linux-s390x", "osx-64", "osx-arm64", "win-32", "win-64", "win-arm64"),
    }
)

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_+-])?")
_VERSION = re.compile(r"[A-Za-z0-9_.+!*~-]*")
_BUILD = re.compile(r"[A-Za-z0-9_.+]{0,64}")  # CEP 26
_URL = re.compile(r"[!-\[\]-~]+")  # printable ASCII, and no backslash
_ARCHIVE = re.compile(r"(?P<stem>.+)\.(?:conda|tar\.bz2)")
_SCHEMES = {
    "conda": frozenset({"http", "https", "file", "oci", "s3", "gcs"}),
    "pip": frozenset({"http", "https", "file", "git+https", "git+http", "git+ssh", "git+file"}),
}
_VARIABLE = re.compile(r"\$\w+|\$\{\w+\}|%\w+%")
_TOKEN = re.compile(r"/t/([^/]+)/")


def find_faults(package: LockedPackage) -> Iterator[tuple[str, str]]:
    """Yield the key and the end of a sentence for each thing in *package* that can't be.

    Names and addresses become paths on disk and lines on a terminal, so they hold nothing that
    leads elsewhere on either.
    """
    if not _NAME.fullmatch(package.name):
        yield "name", "is not the name of a package"
    if not _VERSION.fullmatch(package.version):
        yield "version", "is not a version"
    if not _BUILD.fullmatch(package.build):
        yield "build", "is not a build string"
    if package.subdir not in SUBDIRS:
        yield "platform", f"is `{package.subdir}`, which is no subdir of conda's"
    yield from (("url", message) for message in _find_url_faults(package))


def find_build(name: str, version: str, url: str) -> str:
    """Return the build string that conda's archive at *url* has in its name, if it is one.

    Old versions of conda-lock leave it out of the entry.
    """
    archive = _ARCHIVE.fullmatch(unquote(url.rpartition("/")[2]))
    start = f"{name}-{version}-"
    stem = archive["stem"] if archive is not None else ""
    return stem.removeprefix(start) if stem.startswith(start) else ""


def has_secret(url: str) -> bool:
    """Tell whether *url* holds a user, a password or a token as such, and not as a variable.

    What a query holds is a secret only by its name: another tool may have locked `?download=1`.
    """
    parts = _split(url)
    if parts is None:
        return False
    userinfo, separator, _ = parts.netloc.rpartition("@")
    if separator and parts.scheme.endswith("ssh"):
        return ":" in userinfo  # `git@` is everybody's name
    secrets = [part for part in userinfo.split(":") if part] if separator else []
    secrets += _TOKEN.findall(parts.path)
    for part in (parts.query, parts.fragment, unquote(parts.path)):
        secrets += find_named_secrets(part)
    return any(not _VARIABLE.fullmatch(secret) for secret in secrets)


def find_archive_fault(package: LockedPackage) -> str | None:
    """Return what the archive that conda's *package* lies in must be, and isn't by its address.

    It is the end of a sentence, and None where the address says what the entry says (CEP 35).
    """
    folder, _, file_name = unquote(urlsplit(package.url).path).rpartition("/")
    archive = _ARCHIVE.fullmatch(file_name)
    if archive is None:
        return "a conda package (`.conda` or `.tar.bz2`)"
    if not f"{archive['stem']}-".startswith(f"{package.name}-{package.version}-"):
        return f"an archive of `{package}`"
    if folder.rpartition("/")[2] not in ("noarch", package.subdir):
        return f"an archive for `{package.subdir}`"
    return None


def _find_url_faults(package: LockedPackage) -> Iterator[str]:
    parts = _split(package.url)
    if parts is None or not _URL.fullmatch(package.url):
        yield "is not an address"
        return
    if parts.scheme not in _SCHEMES[package.manager]:
        yield "is not the address of an archive, with `https://` or `file://` before it"
        return
    if package.manager == "pip":
        yield from _find_source_faults(package.url)
    if parts.scheme == "file" and parts.netloc not in ("", "localhost"):
        yield "names a machine, and a `file://` address has none: `file:///…`"
    if package.manager == "conda" and not parts.path.startswith("/"):
        yield "is not the address of an archive, with its whole path"
    if has_secret(package.url):
        yield "holds credentials, which every reader of the lock would have"
    path = unquote(parts.path)
    if any(part in (".", "..") for part in re.split(r"[/\\]", path)):
        yield "has `.` or `..` in its path"


def _find_source_faults(url: str) -> Iterator[str]:
    if not url.startswith("git+") and "subdirectory" not in url:
        return
    from envsync.model.repository import (  # noqa: PLC0415  # few locks need it
        has_sound_subdirectory,
        parse_repository,
    )

    if not has_sound_subdirectory(url):
        yield "has a `subdirectory` that leads out of what lies there"
        return
    repository = parse_repository(url)
    if url.startswith("git+") and (repository is None or not repository.is_pinned):
        yield "names no full commit of its repository"


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # raises for what is no number
    except ValueError:
        return None
    return parts
