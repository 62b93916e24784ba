"""Container images: references, layers and settings."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.model.digest import DIGEST, Digest
from envsync.model.text.redaction import redact_reference

if TYPE_CHECKING:
    from envsync.model.json_value import Json

DEFAULT_REGISTRY = "docker.io"
SCRATCH = "scratch"

# Prefixes of image names that are paths on this machine.
PATH_PREFIXES = ("oci:", "docker-archive:")
_PATH_STARTS = (*PATH_PREFIXES, ".", "/", "~")

DOCKER_HUB = frozenset({DEFAULT_REGISTRY, "index.docker.io", "registry-1.docker.io"})

# The grammar of the distribution project's `reference` package, which Docker and Podman share.
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?")
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_LONGEST_REPOSITORY = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageReference:
    """The name of an image: *registry*, *repository*, and a tag, a digest or both."""

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @property
    def familiar_name(self) -> str:
        """The name without tag and digest, as Docker shows it."""
        if self.registry != DEFAULT_REGISTRY:
            return f"{self.registry}/{self.repository}"
        return self.repository.removeprefix("library/")

    @property
    def version(self) -> str:
        """What to ask a registry for: the digest if there is one, else the tag."""
        return self.digest or self.tag or "latest"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.familiar_name}{tag}" + (f"@{self.digest}" if self.digest else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One layer: the sha256 of its plain tar, the size of the tar in bytes, and its creator.

    *digest*, *media_type* and *compressed_size* describe a compressed form that exists in the
    registry or the layout of a base image.
    """

    diff_id: Digest
    size: int
    created_by: str = ""
    digest: Digest | None = None
    media_type: str | None = None
    compressed_size: int = 0

    @property
    def plain(self) -> Layer:
        """The same layer without its compressed form."""
        return replace(self, digest=None, media_type=None, compressed_size=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageSettings:
    """The config of an image, with the names of OCI; absent values are empty.

    *others* are settings that only Docker knows, kept as they are.
    """

    environment: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    working_directory: str = ""
    user: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    exposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    stop_signal: str = ""
    others: tuple[tuple[str, Json], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseImage:
    """An image to build on: its name, its platform, its settings and its layers.

    *id* is its image id; *digest* is the digest of its manifest, if it comes from a registry.
    """

    name: str
    id: str
    os: str
    architecture: str
    variant: str = ""
    digest: str | None = None
    settings: ImageSettings = ImageSettings()
    layers: tuple[Layer, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """An image that was built: *id* is the digest of its config.

    *digest* is the digest of its manifest, if it was pushed, written as an OCI layout, or loaded
    into an engine that identifies images by their manifests.
    """

    id: str
    tags: tuple[str, ...] = ()
    digest: str | None = None


def parse_reference(text: str) -> ImageReference:
    """Return *text* as an image reference, read as Docker does.

    Raises:
        DefinitionError: it is not an image reference.
    """
    rest, at, digest = text.partition("@")
    head, slash, tail = rest.rpartition("/")
    last, colon, tag = tail.partition(":")
    name = f"{head}{slash}{last}"
    first, slash, repository = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        first, repository = DEFAULT_REGISTRY, name
    if first in DOCKER_HUB:
        first = DEFAULT_REGISTRY
        repository = repository if "/" in repository else f"library/{repository}"
    problem = _find_problem(first, repository, tag if colon else None, digest if at else None)
    shown = redact_reference(text)
    if shown != text:
        problem = "it has no place for a user, a password or a query"
    if problem is not None:
        raise DefinitionError(f"`{shown}` is not an image reference: {problem}")
    return ImageReference(
        registry=first,
        repository=repository,
        tag=tag if colon else None,
        digest=digest if at else None,
    )


def looks_like_path(name: str) -> bool:
    """Return whether *name* looks like a path; nothing is read from disk."""
    return name.startswith(_PATH_STARTS) or name.endswith(".tar")


def _find_problem(
    registry: str, repository: str, tag: str | None, digest: str | None
) -> str | None:
    if not _HOST.fullmatch(registry):
        return f"`{registry}` can't be a registry's address"
    if len(repository) > _LONGEST_REPOSITORY or not REPOSITORY.fullmatch(repository):
        return "a repository is lower-case letters, digits and `.`, `_`, `-` between them"
    if tag is not None and not _TAG.fullmatch(tag):
        return f"`{tag}` can't be a tag"
    if digest is not None and not DIGEST.fullmatch(digest):
        return "a digest is `sha256:` and 64 hexadecimal digits"
    return None
