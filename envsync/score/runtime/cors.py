"""Cross-origin requests: what a browser may do with the answers."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping, Sequence


def cors_headers(
    origins: "Sequence[str]", fields: "Mapping[str, str]", *, is_preflight: bool
) -> "list[tuple[str, str]]":
    """Return the headers that let a page of one of *origins* read the answer; `*` is any."""
    if not origins:
        return []
    origin = fields.get("origin", "")
    if "*" in origins:
        headers = [("Access-Control-Allow-Origin", "*")]
    elif origin in origins:
        headers = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
    else:
        return []
    if is_preflight:
        headers.append(("Access-Control-Allow-Methods", "GET, POST"))
        asked = fields.get("access-control-request-headers")
        if asked:
            headers.append(("Access-Control-Allow-Headers", asked))
    return headers
