"""What changed between two sets of locked packages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from envsync.lock.graph import normalize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from envsync.model.lockfile import LockedPackage

ChangeKind = Literal["added", "removed", "up", "down", "rebuilt", "moved", "rehashed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One package that is not what it was.

    *kind* says how: `up` and `down` are versions, `rebuilt` is another build of the same one,
    `moved` the same build from another channel or manager, `rehashed` the same address with
    other bytes. *before* or *after* is None where the package was added or removed.
    """

    kind: ChangeKind
    name: str
    subdir: str
    before: LockedPackage | None = None
    after: LockedPackage | None = None
    reason: str = ""


def diff_packages(
    before: Sequence[LockedPackage],
    after: Sequence[LockedPackage],
    *,
    is_newer: Callable[[LockedPackage, LockedPackage], bool],
) -> tuple[Change, ...]:
    """Return the changes from *before* to *after*, by subdir and then by name.

    *is_newer* tells whether its first argument has a newer version than its second.
    """
    old, new = _index(before), _index(after)
    changes = []
    for key in sorted(old.keys() | new.keys()):
        earlier, later = old.get(key), new.get(key)
        kind = _tell(earlier, later, is_newer)
        if kind is not None:
            changes.append(
                Change(kind=kind, subdir=key[0], name=key[1], before=earlier, after=later)
            )
    return tuple(changes)


def _index(packages: Iterable[LockedPackage]) -> dict[tuple[str, str], LockedPackage]:
    """Key packages by subdir and name; names of the two managers are compared as pip does."""
    return {(package.subdir, normalize(package.name)): package for package in packages}


def _tell(
    before: LockedPackage | None,
    after: LockedPackage | None,
    is_newer: Callable[[LockedPackage, LockedPackage], bool],
) -> ChangeKind | None:
    if before is None or after is None:
        return "added" if before is None else "removed"
    if before.version != after.version:
        return "up" if is_newer(after, before) else "down"
    if before.build != after.build and before.manager == after.manager:
        return "rebuilt"
    if before.manager != after.manager or (before.url and after.url and before.url != after.url):
        return "moved"
    digests = ((before.sha256, after.sha256), (before.md5, after.md5))
    differ = any(earlier and later and earlier != later for earlier, later in digests)
    return "rehashed" if differ else None
