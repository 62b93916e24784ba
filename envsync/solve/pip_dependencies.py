"""Who needs whom among pip packages, for one Python on one kind of machine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from packaging.markers import Environment

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
ANY = "*"  # as conda-lock writes a requirement without a version


def find_dependencies(
    requires: Mapping[str, Iterable[str]],
    extras: Mapping[str, Iterable[str]],
    *,
    provided: Iterable[str],
    environment: Environment,
) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return, for each package, the names and versions of those that it needs, sorted.

    *requires* has the requirements of every package by name, *extras* what the definition asks
    for beyond the packages themselves. A package counts if it is in *requires*, or *provided*;
    the others are for another machine, or an extra that nobody asked for.
    """
    known = {*requires, *provided}
    parsed = {name: tuple(_parse(texts, known)) for name, texts in requires.items()}
    active = {name: set(extras.get(name, ())) for name in requires}
    values = {key: str(value) for key, value in environment.items()}
    found: dict[str, dict[str, str]] = {name: {} for name in requires}
    waiting = list(requires)
    while waiting:
        name = waiting.pop()
        for requirement in parsed[name]:
            if not _applies(requirement, active[name], values):
                continue
            needed = canonicalize_name(requirement.name)
            if needed != name:
                _add(found[name], needed, str(requirement.specifier) or ANY)
            if needed in active and not requirement.extras <= active[needed]:
                active[needed] |= requirement.extras
                waiting.append(needed)
    return {name: tuple(sorted(needs.items())) for name, needs in found.items()}


def _parse(texts: Iterable[str], known: set[str]) -> Iterator[Requirement]:
    for text in texts:
        match = _NAME.match(text)
        if match is None or canonicalize_name(match[1]) not in known:
            continue  # most requirements of most packages; parsing them all takes long
        try:
            yield Requirement(text)
        except InvalidRequirement:
            continue


def _applies(requirement: Requirement, extras: set[str], environment: Mapping[str, str]) -> bool:
    if requirement.marker is None:
        return True
    try:
        return any(
            requirement.marker.evaluate({**environment, "extra": extra})
            for extra in ("", *sorted(extras))
        )
    except UndefinedEnvironmentName:
        return False


def _add(needs: dict[str, str], name: str, specifier: str) -> None:
    """Note a requirement; one that comes in several lines is the sum of them."""
    clauses = {*needs.get(name, ANY).split(","), *specifier.split(",")} - {ANY}
    needs[name] = ",".join(sorted(clauses)) or ANY
