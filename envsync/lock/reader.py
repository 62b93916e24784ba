"""A `conda-lock.yml` read into a `Lockfile`, by whomever it was written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError, EnvsyncError, Finding
from envsync.lock import block_yaml
from envsync.model.lockfile import LockedPackage, Lockfile

if TYPE_CHECKING:
    from pathlib import Path

    from envsync import yamlio
    from envsync.lock.block_yaml import Node

LOCKFILE_NAME = "conda-lock.yml"

_LARGEST = 64 << 20  # bytes; 100,000 entries take a third of it
_DIGESTS = {"md5": re.compile(r"[0-9a-f]{32}"), "sha256": re.compile(r"[0-9a-f]{64}")}
_MOST_FINDINGS = 20


def load_lockfile(path: Path) -> Lockfile:
    """Read the lockfile at *path*.

    Raises:
        EnvsyncError: there is none, or it can't be read.
        DefinitionError: it is not a lockfile of version 1; every finding is in it.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise DefinitionError(f"`{path}` is too large for a lockfile")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise EnvsyncError(
            f"`{path.parent}` has no `{path.name}`", hint=f"run `envsync lock {path.parent}`"
        ) from error
    except UnicodeDecodeError as error:
        raise DefinitionError(f"`{path}` is not UTF-8 text") from error
    except OSError as error:
        raise EnvsyncError(f"Cannot read `{path}`: {error.strerror}") from error
    return parse_lockfile(text, file=str(path))


def parse_lockfile(text: str, *, file: str) -> Lockfile:
    """Return the lockfile that *text* holds; *file* is its name in findings.

    Raises:
        DefinitionError: the text is not a lockfile of version 1; every finding is in it.
    """
    return _Reader(file).read(_parse_yaml(text, file))


def _parse_yaml(text: str, file: str) -> Node:
    try:
        return block_yaml.parse(text)
    except (block_yaml.NotBlockYaml, RecursionError):
        from envsync import yamlio  # noqa: PLC0415  # what envsync writes never needs it

        node = yamlio.parse_yaml(text, file=file)
        return _keep_text(node) if node is not None else ""


def _keep_text(node: yamlio.Node) -> Node:
    """Return a YAML library's *node* with its scalars as the file spells them."""
    from envsync import yamlio  # noqa: PLC0415  # loaded by now

    if isinstance(node, yamlio.Mapping):
        return {key.text: _keep_text(value) for key, value in node.entries}
    if isinstance(node, yamlio.Sequence):
        return [_keep_text(item) for item in node.items]
    return "" if yamlio.is_null(node) else node.text


class _Reader:
    """Takes nodes apart, collecting what is wrong with them."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._findings: list[Finding] = []

    def read(self, node: Node) -> Lockfile:
        content = self._dict(node, "")
        version = content.get("version")
        if version != "1":
            self._report("version", f"is `{version}`, envsync reads version `1`")
        metadata = self._dict(content.get("metadata", {}), "metadata")
        packages = self._list(content.get("package", []), "package")
        lockfile = Lockfile(
            subdirs=self._texts(metadata.get("platforms", []), "metadata.platforms"),
            channels=tuple(
                self._channel(item, f"metadata.channels[{index}]")
                for index, item in enumerate(
                    self._list(metadata.get("channels", []), "metadata.channels")
                )
            ),
            sources=self._texts(metadata.get("sources", []), "metadata.sources"),
            content_hash=self._pairs(metadata.get("content_hash", {}), "metadata.content_hash"),
            custom_metadata=self._pairs(
                metadata.get("custom_metadata", {}), "metadata.custom_metadata"
            ),
            packages=tuple(
                package
                for index, item in enumerate(packages)
                if (package := self._package(item, f"package[{index}]")) is not None
            ),
        )
        if self._findings:
            raise DefinitionError.from_findings(self._findings[:_MOST_FINDINGS])
        return lockfile

    def _package(self, node: Node, path: str) -> LockedPackage | None:
        content = self._dict(node, path)
        values = {
            key: self._text(content.get(key, ""), f"{path}.{key}")
            for key in ("name", "version", "manager", "platform", "url")
        }
        for key, value in values.items():
            if not value:
                self._report(f"{path}.{key}", "is missing")
        manager = values["manager"]
        if manager not in ("conda", "pip"):
            self._report(f"{path}.manager", f"is `{manager}`, and neither `conda` nor `pip`")
            return None
        digests = self._digests(content.get("hash", {}), f"{path}.hash")
        dependencies = self._pairs(content.get("dependencies", {}), f"{path}.dependencies")
        return LockedPackage(
            name=values["name"],
            version=values["version"],
            manager="conda" if manager == "conda" else "pip",
            subdir=values["platform"],
            url=values["url"],
            md5=digests.get("md5"),
            sha256=digests.get("sha256"),
            build=self._text(content.get("build", ""), f"{path}.build"),
            dependencies=dependencies,
        )

    def _digests(self, node: Node, path: str) -> dict[str, str]:
        if isinstance(node, str) and ":" in node:
            kind, _, digest = node.partition(":")
            node = {kind: digest}  # as very old versions of conda-lock wrote it
        found = {}
        for kind, digest in self._pairs(node, path):
            pattern = _DIGESTS.get(kind)
            if pattern is None or not pattern.fullmatch(digest):
                self._report(f"{path}.{kind}", "is not a md5 or sha256 in hexadecimal digits")
            else:
                found[kind] = digest
        if not found:
            self._report(path, "has neither md5 nor sha256")
        return found

    def _channel(self, node: Node, path: str) -> str:
        if isinstance(node, str):
            return node
        return self._text(self._dict(node, path).get("url", ""), f"{path}.url")

    def _texts(self, node: Node, path: str) -> tuple[str, ...]:
        return tuple(
            self._text(item, f"{path}[{index}]")
            for index, item in enumerate(self._list(node, path))
        )

    def _pairs(self, node: Node, path: str) -> tuple[tuple[str, str], ...]:
        return tuple(
            (key, self._text(value, f"{path}.{key}"))
            for key, value in self._dict(node, path).items()
        )

    def _dict(self, node: Node, path: str) -> dict[str, Node]:
        if isinstance(node, dict):
            return node
        if node != "":
            self._report(path, "is not a mapping")
        return {}

    def _list(self, node: Node, path: str) -> list[Node]:
        if isinstance(node, list):
            return node
        if node != "":
            self._report(path, "is not a list")
        return []

    def _text(self, node: Node, path: str) -> str:
        if isinstance(node, str):
            return node
        self._report(path, "is not text")
        return ""

    def _report(self, path: str, message: str) -> None:
        self._findings.append(Finding(file=self._file, key_path=path, message=message))
