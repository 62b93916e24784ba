"""A `conda-lock.yml` read into a `Lockfile`, by whomever it was written."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError, EnvsyncError, Finding
from envsync.files.reading import NO_WAIT
from envsync.lock.base_image import BASE_IMAGE_KEY, is_base
from envsync.lock.entry_faults import REPAIR, SUBDIRS, find_build, find_faults, has_secret
from envsync.lock.lock_yaml import LockYaml
from envsync.model.lockfile import LockedPackage, Lockfile
from envsync.model.text.redaction import quote, shorten
from envsync.remedy import Step, advise

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.lock.block_yaml import Node
    from envsync.lock.lock_yaml import KeyPath

LOCKFILE_NAME = "conda-lock.yml"

_LARGEST = 64 << 20  # bytes; 100,000 entries take a third of it
_DIGESTS = {"md5": re.compile(r"[0-9a-f]{32}"), "sha256": re.compile(r"[0-9a-f]{64}")}
_MOST_PACKAGES = 200_000
_ANEW = "remove it, and lock the definition again"
_MOST_FINDINGS = 20


def load_lockfile(path: Path) -> Lockfile:
    """Read the lockfile at *path*.

    Raises:
        EnvsyncError: there is none, or it can't be read.
        DefinitionError: it is not a lockfile of version 1; every finding is in it.
    """
    return parse_lockfile(read_lock_text(path), file=str(path))


def read_lock_text(path: Path) -> str:
    """Return the text of the lockfile at *path*, whatever its format.

    Raises:
        EnvsyncError: there is none, or it can't be read.
        DefinitionError: it is too large, or no text.
    """
    try:
        content = _read_regular(path)
    except FileNotFoundError as error:
        raise EnvsyncError(
            f"`{path.parent}` has no `{path.name}`",
            hint=advise("run ", Step("lock", (str(path.parent),))),
        ) from error
    except OSError as error:
        raise EnvsyncError(f"Cannot read `{path}`: {error.strerror}", hint=_ANEW) from error
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = "this is not UTF-8 text"
        finding = Finding(file=str(path), line=line, message=message, hint=REPAIR)
        raise DefinitionError.from_findings([finding]) from error


def _read_regular(path: Path) -> bytes:
    """Return the content of *path*, which nothing that never ends may stand for."""
    handle = os.open(path, os.O_RDONLY | NO_WAIT)
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise DefinitionError(f"`{path}` is no regular file", hint=_ANEW)
        content = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise DefinitionError(f"`{path}` is too large for a lockfile", hint=_ANEW)
    return content


def parse_lockfile(text: str, *, file: str) -> Lockfile:
    """Return the lockfile that *text* holds; *file* is its name in findings.

    Raises:
        DefinitionError: the text is not a lockfile of version 1; every finding is in it.
    """
    if (count := text.count("\n- ")) > _MOST_PACKAGES:
        message = f"{count:,} entries are more than any environment has"
        raise DefinitionError.from_findings([Finding(file=file, message=message, hint=REPAIR)])
    return _Reader(LockYaml(text, file)).read()


def _repeats_commit(node: Node | None, url: str) -> bool:
    """Tell whether the hash *node* is a repository's commit, which conda-lock writes there."""
    if not isinstance(node, dict) or not url.startswith("git+"):
        return False
    from envsync.model.repository import parse_repository  # noqa: PLC0415  # few locks need it

    repository = parse_repository(url)
    return repository is not None and node.get("sha256") == repository.revision


class _Reader:
    """Takes nodes apart, collecting what is wrong with them."""

    def __init__(self, source: LockYaml) -> None:
        self._source = source
        self._faults: list[tuple[KeyPath, str]] = []
        self._hint = REPAIR

    def read(self) -> Lockfile:
        content = self._dict(self._source.root, ())
        version = content.get("version", "")
        if version != "1":
            self._report(("version",), _describe_version(version))
            self._hint = "give a `conda-lock.yml`, a `pixi.lock` or an explicit spec (`.txt`)"
            raise self._error()  # of another version nothing else would be true
        metadata = self._dict(content.get("metadata", {}), ("metadata",))
        lockfile = Lockfile(
            subdirs=self._subdirs(metadata),
            channels=self._channels(metadata),
            sources=self._texts(metadata, "sources"),
            content_hash=self._pairs(
                metadata.get("content_hash", {}), _in_metadata("content_hash")
            ),
            custom_metadata=self._custom_metadata(metadata),
            packages=self._packages(content.get("package", [])),
        )
        self._check_subdirs(lockfile)
        if self._faults:
            raise self._error()
        return lockfile

    def _custom_metadata(self, metadata: dict[str, Node]) -> tuple[tuple[str, str], ...]:
        path = _in_metadata("custom_metadata")
        pairs = self._pairs(metadata.get("custom_metadata", {}), path)
        if not is_base(dict(pairs).get(BASE_IMAGE_KEY, "")):
            self._report((*path, BASE_IMAGE_KEY), "has a digest that is none")
        return pairs

    def _packages(self, node: Node) -> tuple[LockedPackage, ...]:
        """Read the entries; conda-lock has one for each category that a package is in."""
        found: dict[LockedPackage, None] = {}
        for index, item in enumerate(self._list(node, ("package",))):
            if len(self._faults) > _MOST_FINDINGS:
                break  # no more are shown
            path = ("package", index)
            package = self._package(self._dict(item, path), path)
            if package is not None:
                found[package] = None
                for key, message in find_faults(package):
                    self._report((*path, key), message)
        return tuple(found)

    def _package(self, content: dict[str, Node], path: KeyPath) -> LockedPackage | None:
        name, version, manager, subdir, url = (
            self._needed(content, key, path)
            for key in ("name", "version", "manager", "platform", "url")
        )
        digests = {}
        if not _repeats_commit(content.get("hash"), url):
            digests = self._digests(content.get("hash", {}), (*path, "hash"))
        if manager not in ("conda", "pip", ""):
            self._report((*path, "manager"), f"is {quote(manager)}, and neither `conda` nor `pip`")
        build = self._text(content.get("build", ""), (*path, "build"))
        if not (name and version and manager and subdir and url):
            return None
        if not build and manager == "conda":
            build = find_build(name, version, url)
        return LockedPackage(
            name=name,
            version=version,
            manager="pip" if manager == "pip" else "conda",
            subdir=subdir,
            url=url,
            md5=digests.get("md5"),
            sha256=digests.get("sha256"),
            build=build,
            dependencies=self._pairs(content.get("dependencies", {}), (*path, "dependencies")),
        )

    def _needed(self, content: dict[str, Node], key: str, path: KeyPath) -> str:
        text = self._text(content.get(key, ""), (*path, key))
        if not text and content.get(key, "") == "":
            self._report((*path, key), "is empty" if key in content else "is missing")
        return text

    def _digests(self, node: Node, path: KeyPath) -> dict[str, str]:
        if isinstance(node, str) and ":" in node:
            kind, _, digest = node.partition(":")
            node = {kind: digest}  # as very old versions of conda-lock wrote it
        found = {}
        given = self._pairs(node, path)
        for kind, digest in given:
            pattern = _DIGESTS.get(kind)
            if pattern is not None and pattern.fullmatch(digest.lower()):
                found[kind] = digest.lower()
            elif pattern is None or digest:  # an empty one is none
                self._report((*path, kind), "is not a md5 or sha256 in hexadecimal digits")
        if not any(digest for _, digest in given):
            self._report(path, "has neither md5 nor sha256")
        return found

    def _subdirs(self, metadata: dict[str, Node]) -> tuple[str, ...]:
        subdirs = self._texts(metadata, "platforms")
        for index, subdir in enumerate(subdirs):
            path = (*_in_metadata("platforms"), index)
            if subdir not in SUBDIRS:
                self._report(path, f"is {quote(subdir)}, which is no subdir of conda's")
            elif subdir in subdirs[:index]:
                self._report(path, f"is `{subdir}` again")
        return subdirs

    def _check_subdirs(self, lockfile: Lockfile) -> None:
        """Report packages for a subdir that the lock does not speak of; the first one will do."""
        unspoken = {package.subdir for package in lockfile.packages} - set(lockfile.subdirs)
        for subdir in sorted(unspoken & SUBDIRS):
            message = f"lacks `{subdir}`, for which there are packages"
            self._report(_in_metadata("platforms"), message)

    def _channels(self, metadata: dict[str, Node]) -> tuple[str, ...]:
        path = _in_metadata("channels")
        nodes = self._list(metadata.get("channels", []), path)
        return tuple(self._channel(node, (*path, index)) for index, node in enumerate(nodes))

    def _channel(self, node: Node, path: KeyPath) -> str:
        if isinstance(node, str):
            channel = self._text(node, path)
        else:
            path = (*path, "url")
            channel = self._text(self._dict(node, path[:-1]).get("url", ""), path)
        if has_secret(channel):
            self._report(path, "holds credentials, which every reader of the lock would have")
        return channel

    def _texts(self, metadata: dict[str, Node], key: str) -> tuple[str, ...]:
        path = _in_metadata(key)
        return tuple(
            self._text(item, (*path, index))
            for index, item in enumerate(self._list(metadata.get(key, []), path))
        )

    def _pairs(self, node: Node, path: KeyPath) -> tuple[tuple[str, str], ...]:
        return tuple(
            (self._text(key, path), self._text(value, (*path, key)))
            for key, value in self._dict(node, path).items()
        )

    def _dict(self, node: Node, path: KeyPath) -> dict[str, Node]:
        if isinstance(node, dict):
            return node
        if node != "" or not path:
            self._report(path, "is not a mapping" if path else "it is not a lockfile")
        return {}

    def _list(self, node: Node, path: KeyPath) -> list[Node]:
        if isinstance(node, list):
            return node
        if node != "":
            self._report(path, "is not a list")
        return []

    def _text(self, node: Node, path: KeyPath) -> str:
        if not isinstance(node, str):
            self._report(path, "is not text")
            return ""
        if not node.isprintable():
            self._report(path, "has characters that can't be shown")
        return node

    def _report(self, path: KeyPath, message: str) -> None:
        self._faults.append((path, message))

    def _error(self) -> DefinitionError:
        """Return what was found as one error; places are looked up for what is shown alone."""
        shown = self._faults[:_MOST_FINDINGS]
        return DefinitionError.from_findings(
            [
                Finding(
                    file=self._source.file,
                    key_path=_join(path),
                    message=message,
                    hint=self._hint,
                    line=self._source.find_line(path),
                )
                for path, message in shown
            ]
        )


def _in_metadata(key: str) -> KeyPath:
    return ("metadata", key)


def _join(path: KeyPath) -> str:
    keys = (f"[{key}]" if isinstance(key, int) else f".{shorten(key)}" for key in path)
    return "".join(keys).removeprefix(".")


def _describe_version(version: Node) -> str:
    if version == "":
        return "is missing, so this is not a lockfile of conda-lock's version `1`"
    shown = quote(version) if isinstance(version, str) else "no text"
    return f"is {shown}, envsync reads version `1`"
