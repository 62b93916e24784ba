"""Why a package moved: who asked for what the old one could not give."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from envsync.lock.graph import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from envsync.lock.diff import Change
    from envsync.lock.requested import Requested
    from envsync.model.lockfile import LockedPackage


def add_reasons(
    changes: Iterable[Change],
    packages: Sequence[LockedPackage],
    requested: tuple[Requested | None, Requested],
    *,
    satisfies: Callable[[LockedPackage, str], bool],
) -> tuple[Change, ...]:
    """Return *changes* with the reason of each that has one.

    *packages* are those locked now, *requested* what was asked for then and is now. *satisfies*
    tells whether a package is what a requirement on its name admits.
    """
    then, now = requested
    fresh = set(_list_asked(now)) - set(_list_asked(then))
    return tuple(
        replace(change, reason=_find_reason(change, packages, fresh, satisfies))
        for change in changes
    )


def _find_reason(
    change: Change,
    packages: Sequence[LockedPackage],
    fresh: set[str],
    satisfies: Callable[[LockedPackage, str], bool],
) -> str:
    asked = sorted(text for text in fresh if name_of(text) == change.name)
    if asked:
        return f"the definition asks for `{asked[0]}`"
    users = [
        (package, dict(package.dependencies)[change.name])
        for package in packages
        if package.subdir == change.subdir and change.name in dict(package.dependencies)
    ]
    if change.before is None:
        return "" if not users else f"{users[0][0]} needs it"
    if change.after is None:
        return "nothing needs it any more"
    for package, requirement in users:
        if requirement and not satisfies(change.before, requirement):
            return f"{package} needs `{change.name} {requirement}`"
    return ""


def _list_asked(requested: Requested | None) -> tuple[str, ...]:
    return () if requested is None else (*requested.match_specs, *requested.pip)
