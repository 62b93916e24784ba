"""The parsed pip section of a definition."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

PipSource = Literal["index", "address", "version control", "local"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PipRequirement:
    """One requirement with its own options.

    *name* is normalised (PEP 503), None if only the archive has it. *url* is the address or the
    path, None for packages of an index. *hashes* are written as `sha256:...`.
    """

    text: str = field(repr=False)
    source: PipSource
    name: str | None = None
    extras: tuple[str, ...] = ()
    specifier: str = ""
    marker: str = ""
    url: str | None = field(default=None, repr=False)
    hashes: tuple[str, ...] = ()
    is_editable: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PipSection:
    """The content of all pip sections of a definition and of the files that they name.

    *options* are the options in these files, with paths relative to the definition. With
    *requires_hashes* each package and each dependency must have a hash.
    """

    requirements: tuple[PipRequirement, ...] = ()
    constraints: tuple[PipRequirement, ...] = ()
    options: tuple[str, ...] = field(default=(), repr=False)
    requires_hashes: bool = False
