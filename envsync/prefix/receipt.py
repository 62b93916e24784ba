"""The receipt of a generation, which records what it was created from."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.files import read_regular, write_atomically
from envsync.files.hashing import hash_json
from envsync.package.witnesses import hash_witnesses, list_witnesses
from envsync.prefix.conda_state import make_own_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage

RECEIPT = "conda-meta/envsync/receipt.json"
_VERSION = 2
_LARGEST = 64 << 20  # bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The digests of the files that an environment was created from.

    *definition* is empty if the lock was not checked against it.
    """

    lock: str
    definition: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Everything that determines an environment: equal plans create equal environments.

    *requested* are the definition's match specs, for conda's own records. The *origin* does not
    count: other files may result in the same environment.
    """

    prefix: Path
    packages: tuple[LockedPackage, ...]
    requested: tuple[str, ...] = ()
    environment_variables: tuple[tuple[str, str], ...] = ()
    origin: Origin | None = None

    @property
    def digest(self) -> str:
        """The sha256 of the plan."""
        return hash_json(
            [
                str(self.prefix),
                [asdict(package) for package in self.packages],
                self.requested,
                self.environment_variables,
            ]
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """The record in an environment of its plan, packages and *origin*, by their digests.

    *stamps* and *hashes* are those of its witnesses when it was created.
    """

    digest: str
    packages: str
    origin: Origin | None
    stamps: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)


def hash_packages(packages: tuple[LockedPackage, ...]) -> str:
    """Return the sha256 of the addresses and hashes of *packages*, in any order."""
    return hash_json(
        sorted([each.manager, each.name, each.url, each.sha256 or each.md5] for each in packages)
    )


def read_receipt(prefix: Path) -> Receipt | None:
    """Return the receipt of *prefix*, None if it is missing or broken."""
    try:
        content = json.loads(read_regular(prefix / RECEIPT, most=_LARGEST))
        if content["version"] != _VERSION:
            return None
        origin = content["origin"]
        return Receipt(
            digest=content["digest"],
            packages=content["packages"],
            origin=Origin(**origin) if origin is not None else None,
            stamps={name: (size, time) for name, (size, time, _) in content["witnesses"].items()},
            hashes={name: sha256 for name, (_, _, sha256) in content["witnesses"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def write_receipt(target: Path, plan: Plan) -> None:
    """Record in *target* its *plan* and the current state of its witnesses."""
    stamps = list_witnesses(target)
    hashes = hash_witnesses(target, stamps)
    _write(target, plan, {name: (*stamp, hashes[name]) for name, stamp in stamps.items()})


def renew_origin(plan: Plan) -> None:
    """Record the origin of *plan* in the environment at its prefix, which has an equal plan.

    The receipt of an environment that this user can't write to stays as it is.
    """
    receipt = read_receipt(plan.prefix)
    if receipt is None or receipt.origin == plan.origin:
        return
    witnesses = {name: (*stamp, receipt.hashes[name]) for name, stamp in receipt.stamps.items()}
    with contextlib.suppress(EnvsyncError):
        _write(plan.prefix, plan, witnesses)


def _write(target: Path, plan: Plan, witnesses: Mapping[str, tuple[int, int, str]]) -> None:
    content = {
        "version": _VERSION,
        "digest": plan.digest,
        "packages": hash_packages(plan.packages),
        "origin": asdict(plan.origin) if plan.origin is not None else None,
        "witnesses": witnesses,
    }
    make_own_folder(make_own_folder(target, "conda-meta"), "envsync")
    write_atomically(target / RECEIPT, json.dumps(content).encode() + b"\n")
