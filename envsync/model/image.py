"""Container images: references, layers, and what an image is made of."""

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

# How the name of an image starts that is a path on this machine.
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
    """One layer: the sha256 of its plain tar, that tar's size in bytes, and what made it.

    *digest* and *media_type* name a compressed form that exists already, in a base image's
    registry or layout, of *compressed_size* bytes.
    """

    diff_id: Digest
    size: int
    created_by: str = ""
    digest: Digest | None = None
    media_type: str | None = None
    compressed_size: int = 0

    @property
    def plain(self) -> Layer:
        """The same layer, of which no compressed form is known."""
        return replace(self, digest=None, media_type=None, compressed_size=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageSettings:
    """What an image says to those who run it, in OCI's words; absent values are empty.

    *others* are settings that Docker alone knows, kept as they are.
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
    """An image to build upon: its name, its platform, its settings and its layers.

    *id* is its image id; *digest* that of its manifest, where a registry said it.
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
    """An image that was built: *id* is `sha256:` and the digest of its config.

    *digest* is that of its manifest, where it was pushed, laid out, or loaded into an engine that
    keeps images by their manifests, and calls them so.
    """

    id: str
    tags: tuple[str, ...] = ()
    digest: str | None = None


def parse_reference(text: str) -> ImageReference:
    """Return the image reference that *text* is, as Docker reads it.

    Raises:
        DefinitionError: it is none.
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
    """Say whether *name* is a path by its looks, whatever there is on this machine."""
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
