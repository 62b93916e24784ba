"""A request on its way to a worker and back."""

import time

from ..protocol import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .http.connection import Connection
    from .http.request_parser import Head


class Job:
    """A request that waits for a worker, or has one."""

    __slots__ = (
        "abandoned",
        "body",
        "connection",
        "head",
        "ids",
        "is_streaming",
        "started",
        "status",
    )

    def __init__(self, connection: "Connection", head: "Head", body: bytes) -> None:
        self.connection = connection
        self.head = head
        self.body = body
        self.ids = []  # type: list[tuple[str, str]]
        self.started = time.perf_counter()
        self.abandoned = False
        self.is_streaming = False
        self.status = 200

    def frame(self, script: "dict[str, Any]") -> bytes:
        """Return what a worker gets before the body: no more than *script* wants to know."""
        head = self.head
        told = {}  # type: dict[str, Any]
        if script.get("wants_headers"):
            told["headers"] = head.pairs
        if script.get("kind") != "text":
            told["type"] = head.fields.get("content-type", "")
        if head.method != "POST" or script.get("kind") == "raw":
            told["method"] = head.method
            told["target"] = head.target
        return wire.pack_head(told, len(self.body))
