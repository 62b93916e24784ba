"""What a generation was made from, written into it last."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage

_PLACE = ("conda-meta", "envsync", "receipt.json")


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Everything that decides what an environment is: two equal plans make equal environments.

    *requested* are the definition's match specs, for conda's own records.
    """

    prefix: Path
    packages: tuple[LockedPackage, ...]
    requested: tuple[str, ...] = ()
    environment_variables: tuple[tuple[str, str], ...] = ()

    @property
    def digest(self) -> str:
        """The sha256 of the plan."""
        content = json.dumps(
            [
                str(self.prefix),
                [asdict(package) for package in self.packages],
                self.requested,
                self.environment_variables,
            ],
            sort_keys=True,
        )
        return hashlib.sha256(content.encode()).hexdigest()


def read_digest(prefix: Path) -> str | None:
    """Return the digest of the plan that *prefix* was made by, None where there is no receipt."""
    try:
        content = json.loads(prefix.joinpath(*_PLACE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    digest = content.get("digest") if isinstance(content, dict) else None
    return digest if isinstance(digest, str) else None


def write_receipt(target: Path, plan: Plan) -> None:
    """Write down in *target* that it was made by *plan*."""
    path = target.joinpath(*_PLACE)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"version": 1, "digest": plan.digest}) + "\n", encoding="utf-8")
