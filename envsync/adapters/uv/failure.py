"""uv's reports of what failed, said so that their reader can act on them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envsync.adapters.uv.program import UNSATISFIABLE, list_causes
from envsync.errors import EnvsyncError, UnsatisfiableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envsync.solve.request import PipRequest

CREDENTIALS = "put user and token into its address (`https://${USER}:${TOKEN}@…`) or into `.netrc`"

_OFFLINE = "because the network was disabled"
_NOT_FOUND = re.compile(r"\b([a-z0-9][a-z0-9-]*) was not found in the")
_LOCAL_VERSION = re.compile(r"there is no version of [^\s=]+==[^\s+]+(\+[a-z0-9.]+)")
_HINTS = (
    (re.compile(r"No space left on device"), "free some space there, and run this again"),
    (re.compile(r"Read-only file system|Permission denied"), "choose a place you may write to"),
    (
        re.compile(r"^\W*Failed to build\b", re.MULTILINE),
        "ask for a version that has a wheel, or install what building it needs",
    ),
    (re.compile(r"\b(?:401 Unauthorized|403 Forbidden)\b"), CREDENTIALS),
    (re.compile(r"\b404 Not Found\b"), "check its address"),
    (re.compile(r"\b(?:5\d\d|429|408) [A-Z]"), "try again later"),
    (re.compile(r"ertificate|UnknownIssuer"), "name its authority's file in `SSL_CERT_FILE`"),
    (re.compile(r"dns error|tcp connect error|\bos error\b"), "check its address and the network"),
)


def explain_compile(request: PipRequest, stderr: str, refusals: Sequence[str] = ()) -> EnvsyncError:
    """Return the error that holds uv's reasons, a line each, below what indexes *refusals* tell."""
    reasons = [line for line in list_causes(stderr) if _OFFLINE not in line]
    if refusals:
        return _join(f"Cannot lock the pip requirements: index {'; '.join(refusals)}", reasons)
    if UNSATISFIABLE not in stderr:
        return _join("Cannot lock the pip requirements", reasons)
    return UnsatisfiableError(
        f"No solution for the pip requirements on `{request.subdir}` "
        f"with Python {request.python_version}",
        reasons=reasons,
        hint=_hint_unsatisfiable(stderr),
    )


def _hint_unsatisfiable(stderr: str) -> str:
    missing = list(dict.fromkeys(_NOT_FOUND.findall(stderr)))
    local = _LOCAL_VERSION.search(stderr)
    if _OFFLINE in stderr:
        return "run it once without `--offline`"
    if "python" in missing:
        return "ask for `python` among the conda dependencies, outside `pip:`"
    if missing:
        named = ", ".join(f"`{name}`" for name in missing)
        return f"correct or drop {named}, or name the index that has it: none that is asked does"
    if local is not None:
        return (
            f"name the index that has `{local[1]}` versions, with `--extra-index-url`, or drop it"
        )
    return "relax or drop one of the requirements named above"


def find_hint(lines: Iterable[str]) -> str | None:
    """Return what to do about a server that *lines* of a report are about."""
    text = "\n".join(lines)
    return next((hint for mark, hint in _HINTS if mark.search(text)), None)


def _join(message: str, reasons: Sequence[str]) -> EnvsyncError:
    text = "\n".join((message, *(f"  {line}" for line in reasons)))
    return EnvsyncError(text, hint=find_hint(text.splitlines()))
