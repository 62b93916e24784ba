"""What lies on this machine is locked only if the definition itself asks for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from envsync.adapters.uv.origin import expand
from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from envsync.model.pip_section import PipRequirement
    from envsync.solve.request import PipRequest

_REVISION = re.compile(r"(?<=[^/])@[^/]*$")
_UPWARDS = re.compile(r"(?:\.{0,2}/+)+")


def refuse_unasked(name: str, place: str, request: PipRequest) -> None:
    """Refuse the package *name* at *place* if that is a path and only another package names it.

    A package from elsewhere must not choose what is read, or run, on this machine.

    Raises:
        EnvsyncError: it is so.
    """
    if not place.lower().startswith("file:"):
        return
    asked = (*request.parsed, *request.constraints)
    if any(_asks(each, canonicalize_name(name), place) for each in asked):
        return
    raise EnvsyncError(
        f"pip requirement `{name}` can't be locked: another package says that it lies on this "
        f"machine, at `{place}`",
        hint="name it in the definition, or leave out what needs it",
    )


def _asks(requirement: PipRequirement, name: str, place: str) -> bool:
    if requirement.source == "index":
        return False
    if requirement.name is not None:
        return requirement.name == name
    # Nothing but the end of a path is the same, wherever the path starts.
    asked = expand(requirement.url or "").partition("#")[0]
    if requirement.source == "version control":
        asked = _REVISION.sub("", asked)
    path = unquote(urlsplit(asked).path if "://" in asked else asked)
    end = _UPWARDS.sub("", path, count=1).rstrip("/")
    return (
        f"{unquote(urlsplit(place).path)}".rstrip("/").endswith(f"/{end}")
        if end.strip(".")
        else True
    )
