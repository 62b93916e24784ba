"""conda packages that give way to pip requirements, where the definition leaves them open."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from envsync.model.lockfile import LockedPackage
    from envsync.solve.request import PipRequest, PythonDistribution

_BARE = re.compile(r"\s*(?P<name>[\w.-]+)\s*")


def find_bounds(
    request: PipRequest,
    asked: Sequence[str],
    failure: EnvsyncError,
    solve: Callable[[PipRequest], Sequence[LockedPackage]],
) -> tuple[str, ...]:
    """Return match specs that may keep conda from bringing what made *request* fail.

    conda chooses first, so it brings the newest of what nobody asked for, such as what pip itself
    needs, and of what was *asked* for by name alone. What pip requirements would take instead is
    found by solving them without those; it counts for what the *failure* is about.
    """
    open_names = {match["name"].lower() for text in asked if (match := _BARE.fullmatch(text))}
    pinned = {_find_name(text) for text in asked} - open_names
    fixed = tuple(each for each in request.provided if _conda_name(each) in pinned)
    if len(fixed) == len(request.provided):
        return ()
    try:
        wanted = solve(replace(request, provided=fixed, preferred=()))
    except EnvsyncError:
        return ()
    versions = {package.name: package.version for package in wanted}
    return tuple(_list_bounds(request.provided, versions, failure.message))


def _list_bounds(
    provided: Sequence[PythonDistribution], versions: dict[str, str], told: str
) -> Iterator[str]:
    for each in provided:
        if each.name not in versions or not re.search(rf"\b{re.escape(each.name)}\b", told):
            continue
        try:
            wanted, brought = Version(versions[each.name]), Version(each.version)
        except InvalidVersion:
            continue
        if wanted != brought:
            relation = "<=" if wanted < brought else ">="
            yield f"{_conda_name(each)} {relation}{wanted.public}"


def _conda_name(distribution: PythonDistribution) -> str:
    return distribution.package or distribution.name


def _find_name(text: str) -> str:
    match = _BARE.match(text.rpartition("::")[2])
    return match["name"].lower() if match else text
