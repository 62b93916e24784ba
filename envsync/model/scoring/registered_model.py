"""Models with a name and a version, registered or passed to an entry script."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-._]{0,254}")
_VERSION = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedModel:
    """The file or folder *path*, with its name and version in Azure ML's layout.

    A model that is not registered has version 0.
    """

    name: str
    version: int
    path: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelNotes:
    """The metadata of a model."""

    tags: tuple[tuple[str, str], ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    description: str | None = None
    framework: str | None = None
    framework_version: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisteredModel(NamedModel):
    """A model in the registry, with the hash and size of its content; *created* is in UTC.

    The *sha256* of a folder is the hash of the output of `sha256sum` for its files, sorted by path.
    """

    sha256: str
    size: int
    created: str
    notes: ModelNotes

    @property
    def id(self) -> str:
        """The name and the version."""
        return f"{self.name}:{self.version}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelReference:
    """`NAME` or `NAME:VERSION`; None is the latest *version*."""

    name: str
    version: int | None = None


def parse_model_reference(text: str) -> ModelReference:
    """Return the reference *text*.

    Raises:
        DefinitionError: its name or its version can't be those of a model.
    """
    name, colon, version = text.partition(":")
    check_model_name(name)
    if not colon:
        return ModelReference(name=name)
    if not _VERSION.fullmatch(version):
        raise DefinitionError(
            f"`{text}`: `{version}` is not the version of a model",
            hint="versions count up from 1: `NAME:1`",
        )
    return ModelReference(name=name, version=int(version))


def check_model_name(name: str) -> None:
    """Refuse *name* if Azure ML does.

    Raises:
        DefinitionError: it can't be the name of a model.
    """
    if not _NAME.fullmatch(name):
        raise DefinitionError(
            f"`{name}` can't be the name of a model",
            hint="use letters, digits, `-`, `.` and `_`, a letter or digit first, at most 255",
        )
