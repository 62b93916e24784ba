"""What checking an environment comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckResult:
    """Whether the lockfile at *path* answers the definition; *reasons* say why it does not."""

    path: Path
    reasons: tuple[str, ...]

    @property
    def is_fresh(self) -> bool:
        """Whether the lockfile is there, whole, and answers the definition."""
        return not self.reasons
