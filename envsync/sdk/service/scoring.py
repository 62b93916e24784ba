"""Send a request to a web service."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from envsync.errors import EnvsyncError

_PATIENCE = 3600.0  # as long as Azure ML lets a script score
_OK = 200
_MOST_SHOWN = 2000


class ScoringError(EnvsyncError):
    """A web service reported a failure; *status* and *body* are those of its response."""

    def __init__(self, status: int, body: bytes) -> None:
        text = body[:_MOST_SHOWN].decode("utf-8", "replace")
        super().__init__(
            f"Scoring was unsuccessful: status {status}, `{text}`",
            hint="see the output of the script with `get_logs()`",
        )
        self.status = status
        self.body = body

    def __reduce__(self) -> tuple[type[ScoringError], tuple[int, bytes]]:
        return type(self), (self.status, self.body)


def score(uri: str, value: object) -> Any:
    """Post *value* to *uri* and return the response: parsed, or its bytes if it is not JSON.

    Raises:
        ScoringError: the status is not 200.
        EnvsyncError: there is no response.
    """
    place = urlsplit(uri)
    body = value if isinstance(value, str | bytes | bytearray) else json.dumps(value)
    data = body.encode("utf-8") if isinstance(body, str) else bytes(body)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=_PATIENCE)
    try:
        connection.request("POST", place.path, data, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise EnvsyncError(f"`{uri}` does not respond: {error}") from error
    finally:
        connection.close()
    if answer.status != _OK:
        raise ScoringError(answer.status, content)
    try:
        return json.loads(content)
    except ValueError:
        return content
