"""What the pip side of a definition says, taken apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

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
    """All pip sections of a definition in one, with the files they name read in.

    *files* are those files; *requirement_urls* and *constraint_urls* are named and not read in.
    """

    requirements: tuple[PipRequirement, ...] = ()
    constraints: tuple[PipRequirement, ...] = ()
    index_url: str | None = field(default=None, repr=False)
    extra_index_urls: tuple[str, ...] = field(default=(), repr=False)
    find_links: tuple[str, ...] = field(default=(), repr=False)
    trusted_hosts: tuple[str, ...] = ()
    no_binary: tuple[str, ...] = ()
    only_binary: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    uses_index: bool = True
    allows_prereleases: bool = False
    prefers_binary: bool = False
    requires_hashes: bool = False
    files: tuple[Path, ...] = ()
    requirement_urls: tuple[str, ...] = field(default=(), repr=False)
    constraint_urls: tuple[str, ...] = field(default=(), repr=False)
