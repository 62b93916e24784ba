"""Which requirements stand in the way: found by solving without them, and for each alone."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError, UnsatisfiableError

if TYPE_CHECKING:
    from envsync.solve.request import CondaRequest, CondaSolver

_SECONDS = 3.5  # for each of the two searches, of which the second is a quick one
_BARE = re.compile(r"\s*(?P<bare>(?:[^\s=<>!~\[]+::)?[\w.-]+)")


def suggest_relaxations(request: CondaRequest, solver: CondaSolver) -> tuple[str, ...]:
    """Return a phrase for each match spec without which *request* has a solution.

    A spec with a version is tried without it, a bare one is left out. It takes some seconds at
    most; what could not be tried by then is not mentioned.
    """
    end = time.monotonic() + _SECONDS
    phrases = []
    for index, text in enumerate(request.match_specs):
        if time.monotonic() > end:
            break
        match = _BARE.match(text)
        bare = match["bare"] if match else text
        others = request.match_specs[:index] + request.match_specs[index + 1 :]
        is_bare = bare == text.strip()
        specs = others if is_bare else (*others, bare)
        try:
            solution = solver.solve(replace(request, match_specs=specs))
        except EnvsyncError:
            continue
        name = bare.rpartition("::")[2]
        found = next((each.version for each in solution if each.name == name.lower()), None)
        then = f" (then it is {found})" if found and not is_bare else ""
        phrases.append(f"`{name}`" if is_bare else f"the version in `{_spell(text)}`{then}")
    return tuple(phrases)


def find_impossible(request: CondaRequest, solver: CondaSolver) -> tuple[str, ...]:
    """Return each match spec that has no solution even alone, such as a misspelt name.

    It takes some seconds at most; what could not be tried by then is not mentioned.
    """
    end = time.monotonic() + _SECONDS
    found = []
    for text in request.match_specs:
        if time.monotonic() > end:
            break
        try:
            solver.solve(replace(request, match_specs=(text,), preferred=()))
        except UnsatisfiableError:
            found.append(f"`{_spell(text)}`")
        except EnvsyncError:
            break
    return tuple(found)


def _spell(text: str) -> str:
    """Return *text* as the definition spells it: a channel's address is left out."""
    channel, separator, rest = text.rpartition("::")
    return rest if separator and "://" in channel else text
