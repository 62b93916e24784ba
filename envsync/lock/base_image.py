"""The base image that a lock was made for: its name in the definition, and its digest then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envsync.model.digest import DIGEST
from envsync.model.text.redaction import redact_reference

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envsync.model.environment import EnvironmentSpec

BASE_IMAGE_KEY = "envsync.base-image"

_DIGEST = "@sha256:"


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedBase:
    """A base image: its *name*, empty where there is none, and its *digest* where it is known."""

    name: str
    digest: str | None = None

    def __str__(self) -> str:
        return f"{self.name}@{self.digest}" if self.digest else self.name

    def with_digest(self, digest: str | None) -> LockedBase:
        """Return the same image at *digest*."""
        return replace(self, digest=digest)

    def answers(self, asked: LockedBase) -> bool:
        """Say whether this is the image *asked* for, which may leave the digest open."""
        return self.name == asked.name and asked.digest in (None, self.digest)


def find_base(spec: EnvironmentSpec) -> LockedBase:
    """Return the base image that *spec* names; a Dockerfile or a build context names none."""
    if spec.base_dockerfile is not None or spec.build_context is not None:
        return LockedBase(name="")
    return _parse(redact_reference(spec.base_image_name))


def dump_base(base: LockedBase) -> tuple[str, str]:
    """Return *base* as an entry of a lock's custom metadata."""
    return BASE_IMAGE_KEY, str(base)


def is_base(text: str) -> bool:
    """Say whether *text*, of a lock's custom metadata, can be a base image: its digest is one."""
    _, at, digest = text.rpartition(_DIGEST)
    return not at or DIGEST.fullmatch(f"sha256:{digest}") is not None


def parse_base(metadata: Iterable[tuple[str, str]]) -> LockedBase | None:
    """Return the base image that a lock's custom metadata has, None where it speaks of none."""
    text = dict(metadata).get(BASE_IMAGE_KEY)
    return _parse(text) if text is not None else None


def _parse(text: str) -> LockedBase:
    name, at, digest = text.rpartition(_DIGEST)
    return LockedBase(name=name, digest=f"sha256:{digest}") if at else LockedBase(name=text)
