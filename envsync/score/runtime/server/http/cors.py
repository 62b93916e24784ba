"""Cross-origin requests: what a browser may do with the answers, as Flask-CORS says it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping, Sequence

_METHODS = ("GET", "POST")
_ANY = "*"


def cors_headers(
    origins: "Sequence[str]", fields: "Mapping[str, str]", *, is_preflight: bool
) -> "list[tuple[str, str]]":
    """Return the headers that let a page of one of *origins* read the answer; `*` is any."""
    allowed = _allowed(origins, fields.get("origin", ""))
    if not allowed:
        return []
    headers = [("Access-Control-Allow-Origin", allowed)]
    if is_preflight and fields.get("access-control-request-method", "").upper() in _METHODS:
        headers.append(("Access-Control-Allow-Methods", ", ".join(_METHODS)))
        asked = fields.get("access-control-request-headers")
        if asked:
            names = sorted(name.strip() for name in asked.split(","))
            headers.append(("Access-Control-Allow-Headers", ", ".join(names)))
    if allowed != _ANY and (_ANY in origins or len(origins) > 1):
        headers.append(("Vary", "Origin"))
    return headers


def _allowed(origins: "Sequence[str]", origin: str) -> str:
    """Return which origin may read the answer to a page of *origin*, "" if that may not.

    Where no page asks, any origin of the list will do.
    """
    if not origin:
        return _ANY if _ANY in origins else min(origins, default="")
    known = [one.lower() for one in origins]
    return origin if _ANY in known or origin.lower() in known else ""
