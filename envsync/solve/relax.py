"""What stands in the way of a solution: names, a date or requirements, found by trying without."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError, UnsatisfiableError
from envsync.model.text.wording import find_near
from envsync.model.virtual_package import VirtualPackage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from envsync.solve.request import CondaRequest, CondaSolver

_SECONDS = 3.5  # for each of the searches, most of which are quick
_MOST_NAMED = 10
_MOST_MEANT = 5  # names for which another is looked for, among tens of thousands
_LIKENESS = 0.8
_DAY = timedelta(days=1)
_OPTIONAL_FACT = "__cuda"  # the others say which subdir it is, or are always there
_FACT = re.compile(r"(?P<name>__[a-z]+)(?: >=(?P<version>[0-9.]*[0-9]))?")
_BARE = re.compile(r"\s*(?P<name>[\w.-]+)")


def advise(
    request: CondaRequest, asked: Sequence[str], reasons: Sequence[str], solver: CondaSolver
) -> str | None:
    """Return what to do about *request*, which has no solution; None where nothing would help.

    *asked* are the match specs that the definition itself has, *reasons* the solver's.
    """
    if unknown := _advise_names(request, asked, solver):
        return unknown
    date = find_cut_off(
        request.exclude_newer, lambda moment: solver.solve(replace(request, exclude_newer=moment))
    )
    phrases = suggest_relaxations(request, asked, solver)
    pins = f"relax or drop {', or '.join(phrases)}" if phrases else None
    facts = find_facts(request, reasons, solver)
    if date or facts or pins:
        return f"{', or '.join(filter(None, (date, facts, pins)))}: then there is a solution"
    impossible = find_impossible(request, asked, solver)[:_MOST_NAMED]
    if not impossible:
        return None
    them = "it" if len(impossible) == 1 else "any of them"
    return f"correct or drop {', '.join(impossible)}: no package is an answer to {them}"


def find_cut_off(
    cut_off: datetime | None, solve: Callable[[datetime | None], object]
) -> str | None:
    """Return in words which date instead of *cut_off* lets *solve* succeed; None where none does.

    It is the earliest, as far as that can be found out in some seconds. Packages that a channel
    has no date of are in no lock that has one.
    """
    end = time.monotonic() + _SECONDS
    if cut_off is None or not _succeeds(solve, None):
        return None
    low, high = 0, (datetime.now(timezone.utc) - cut_off) // _DAY + 1
    if not _succeeds(solve, cut_off + high * _DAY):
        return "lock with `--exclude-newer none`"
    while high - low > 1 and time.monotonic() < end:
        middle = (low + high) // 2
        low, high = (low, middle) if _succeeds(solve, cut_off + middle * _DAY) else (middle, high)
    day = (cut_off + high * _DAY - timedelta(seconds=1)).date()
    return f"lock with `--exclude-newer {day}` or a later date"


def find_facts(request: CondaRequest, reasons: Sequence[str], solver: CondaSolver) -> str | None:
    """Return in words what would have to be so of the machines, if *reasons* name that."""
    end = time.monotonic() + _SECONDS
    facts = {fact.name: fact for fact in request.virtual_packages}
    named = {(it["name"], it["version"] or "") for it in _FACT.finditer("\n".join(reasons))}
    for name, version in sorted(named, key=lambda pair: (pair[0], _numbers(pair[1]))):
        if (name not in facts and name != _OPTIONAL_FACT) or time.monotonic() > end:
            continue
        assumed = VirtualPackage(name=name, version=version or "999")
        changed = tuple({**facts, name: assumed}.values())
        try:
            solver.solve(replace(request, virtual_packages=changed))
        except EnvsyncError:
            continue
        bare = name.removeprefix("__")
        return f"state that its machines have it: `--system-requirements {bare}={version or '…'}`"
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def suggest_relaxations(
    request: CondaRequest, asked: Sequence[str], solver: CondaSolver
) -> tuple[str, ...]:
    """Return a phrase for each match spec of *asked* without which *request* has a solution.

    A spec with a version is tried without it, a bare one is left out. It takes some seconds at
    most; what could not be tried by then is not mentioned.
    """
    end = time.monotonic() + _SECONDS
    phrases: dict[str, None] = {}
    for text in asked:
        others = tuple(each for each in request.match_specs if each != text)
        for what, relaxed in _list_relaxed(text):
            if time.monotonic() > end:
                break
            try:
                solution = solver.solve(replace(request, match_specs=(*others, *relaxed)))
            except EnvsyncError:
                continue
            found = [each.version for each in solution if each.name == _find_name(text)]
            then = f" (then it is {found[0]})" if found and relaxed else ""
            phrases[f"{what}`{_spell(text)}`{then}"] = None
            break
    return tuple(phrases)


def _list_relaxed(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what may be asked instead of *text*, the least change first, and what that changes."""
    channel, _, rest = text.rpartition("::")
    match = _BARE.match(rest)
    name = match["name"] if match else rest
    if channel:
        yield "the channel of ", (rest,)
    if name != rest.strip():
        yield ("the conditions in " if "[" in rest else "the version in "), (name,)
    elif not channel:
        yield "", ()


def find_impossible(
    request: CondaRequest, asked: Sequence[str], solver: CondaSolver
) -> tuple[str, ...]:
    """Return each match spec of *asked* that has no solution even alone.

    It takes some seconds at most; what could not be tried by then is not mentioned.
    """
    end = time.monotonic() + _SECONDS
    found = []
    for text in dict.fromkeys(asked):
        if time.monotonic() > end:
            break
        try:
            solver.solve(replace(request, match_specs=(text,), preferred=()))
        except UnsatisfiableError:
            found.append(f"`{_spell(text)}`")
        except EnvsyncError:
            break
    return tuple(found)


def _advise_names(request: CondaRequest, asked: Sequence[str], solver: CondaSolver) -> str | None:
    """Return what to do about names in *asked* that no channel has, None where it has them all."""
    known = solver.list_names(request)
    names = dict.fromkeys(map(_find_name, asked))
    unknown = [name for name in names if name not in known and not name.startswith("__")]
    if not known or not unknown:
        return None
    listed = ", ".join(_list_meant(unknown[:_MOST_NAMED], known))
    them = "it" if len(unknown) == 1 else "them"
    return (
        f"correct or drop {listed}: no channel has {them} for `{request.subdir}`; "
        "what is on PyPI alone goes under `pip:`"
    )


def _list_meant(unknown: Sequence[str], known: frozenset[str]) -> Iterator[str]:
    """Yield each name of *unknown* and, where there is one, that of *known* that may be meant."""
    for number, name in enumerate(unknown):
        near = find_near(name, sorted(known), likeness=_LIKENESS) if number < _MOST_MEANT else None
        yield f"`{name}` (did you mean `{near}`?)" if near else f"`{name}`"


def _succeeds(solve: Callable[[datetime | None], object], moment: datetime | None) -> bool:
    try:
        solve(moment)
    except EnvsyncError:
        return False
    return True


def _find_name(text: str) -> str:
    match = _BARE.match(text.rpartition("::")[2])
    return match["name"].lower() if match else text


def _spell(text: str) -> str:
    """Return *text* as a definition spells it: of a channel's address only the name is told."""
    channel, separator, rest = text.rpartition("::")
    return f"{channel.rstrip('/').rpartition('/')[2]}::{rest}" if separator else text
