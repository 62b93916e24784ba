"""Which one requirement stands in the way: found by solving without it."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from envsync.solve.request import CondaRequest, CondaSolver

_SECONDS = 5.0
_BARE = re.compile(r"\s*(?P<bare>(?:[^\s=<>!~\[]+::)?[\w.-]+)")


def suggest_relaxations(request: CondaRequest, solver: CondaSolver) -> tuple[str, ...]:
    """Return a phrase for each match spec without which *request* has a solution.

    A spec with a version is tried without it, a bare one is left out. It takes at most five
    seconds; what could not be tried by then is not mentioned.
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


def _spell(text: str) -> str:
    """Return *text* as the definition spells it: a channel's address is left out."""
    channel, separator, rest = text.rpartition("::")
    return rest if separator and "://" in channel else text
