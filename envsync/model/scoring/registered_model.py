"""A model under a name and a version, as it is registered or handed to an entry script."""

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
    """The file or folder *path*, and what Azure ML's layout calls it.

    A model that is not registered has version 0.
    """

    name: str
    version: int
    path: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelNotes:
    """What its owner says of a model."""

    tags: tuple[tuple[str, str], ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    description: str | None = None
    framework: str | None = None
    framework_version: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisteredModel(NamedModel):
    """A model in the registry; *sha256* and *size* are of its content, *created* is in UTC.

    The *sha256* of a folder is that of what `sha256sum` says of its files, sorted by path.
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
    """`NAME` or `NAME:VERSION`; *version* None is the latest."""

    name: str
    version: int | None = None


def parse_model_reference(text: str) -> ModelReference:
    """Return what *text* refers to.

    Raises:
        DefinitionError: it is no name of a model, or has a version that can't be.
    """
    name, colon, version = text.partition(":")
    check_model_name(name)
    if not colon:
        return ModelReference(name=name)
    if not _VERSION.fullmatch(version):
        raise DefinitionError(
            f"`{text}`: `{version}` is no version of a model",
            hint="versions count up from 1: `NAME:1`",
        )
    return ModelReference(name=name, version=int(version))


def check_model_name(name: str) -> None:
    """Refuse *name* unless Azure ML takes it for a model.

    Raises:
        DefinitionError: it doesn't.
    """
    if not _NAME.fullmatch(name):
        raise DefinitionError(
            f"`{name}` is no name for a model",
            hint="use letters, digits, `-`, `.` and `_`, a letter or digit first, at most 255",
        )
