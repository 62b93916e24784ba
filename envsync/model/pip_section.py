"""What the pip side of a definition says, taken apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

PipSource = Literal["index", "address", "version control", "local"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PipRequirement:
    """One requirement, with its options of its own.

    *name* is normalised (PEP 503), None where only the archive knows it. *url* is the address or
    the path of all sources but an index. *hashes* are written as `sha256:...`.
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
    """What all pip sections of a definition, and the files that they name, ask for.

    *options* are those that stand in the files, with paths that no longer depend on where. With
    *requires_hashes* each package, those that others need included, is to have a stated hash.
    """

    requirements: tuple[PipRequirement, ...] = ()
    constraints: tuple[PipRequirement, ...] = ()
    options: tuple[str, ...] = field(default=(), repr=False)
    requires_hashes: bool = False
