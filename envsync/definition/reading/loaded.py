"""What reading a definition gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envsync.errors import Finding
    from envsync.model.environment import EnvironmentSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A definition, and what its author should know about it."""

    spec: EnvironmentSpec
    warnings: tuple[Finding, ...] = ()
