"""One client's connection: requests out of it one after another, responses into it."""

import socket

from ...protocol.messages import TOO_MUCH
from ..process.event_loop import READ, WRITE
from .outbox import Outbox
from .request_parser import BodyReader, RequestError, parse_head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..process.event_loop import EventLoop
    from .request_parser import Head

_IDLE_SECONDS = 75
_HEAD_SECONDS = 30
_STALL_SECONDS = 60
_LINGER_SECONDS = 2
_LEAST_READ = 65536
_MOST_READ = 1048576
_PATIENT_SECONDS = 5
_FIRST_SECONDS = 1
_MOST_PIPELINED = 131072


class Connection:
    """A socket with its parser; *application* is told of each request and of the end.

    *expires_at* is when the client has been silent for too long, *held* how many bytes of its
    request are in memory.
    """

    def __init__(self, sock: socket.socket, loop: "EventLoop", application: "Any") -> None:
        self._sock = sock
        self._loop = loop
        self._application = application
        self._input = bytearray()
        self._output = Outbox()
        self._head: "Head | None" = None
        self._body = None  # type: BodyReader | None
        self._watched = READ
        self._phase = "head"
        self._ended = False
        self._parsing = False
        self.job = None  # type: Any
        self.on_drained = None  # type: Any
        self.closed = False
        self.held = 0
        self.expires_at = loop.now + _IDLE_SECONDS
        self._took_at = loop.now
        self._has_taken = False
        sock.setblocking(False)  # noqa: FBT003  # the library's signature
        if sock.family != getattr(socket, "AF_UNIX", None):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop.watch(sock, READ, self._on_event)

    @property
    def is_idle(self) -> bool:
        """Whether no request has begun."""
        return self._phase == "head" and not self._input and not self._output

    @property
    def waiting_bytes(self) -> int:
        """How much the client has yet to take."""
        return len(self._output)

    @property
    def silent_seconds(self) -> float:
        """For how long the client has taken nothing of what it was sent."""
        return self._loop.now - self._took_at if self._output else 0.0

    @property
    def has_stopped_reading(self) -> bool:
        """Whether the client takes nothing any more, or never began to."""
        patience = _PATIENT_SECONDS if self._has_taken else _FIRST_SECONDS
        return self.silent_seconds > patience

    @property
    def may_be_dropped(self) -> bool:
        """Whether it could make room for another: nothing comes or goes, though it should."""
        left = self.expires_at - self._loop.now
        span = _STALL_SECONDS if self._phase == "body" else _HEAD_SECONDS
        is_slow = self._phase in ("head", "body") and left < span - _PATIENT_SECONDS
        if self._output:
            return self.has_stopped_reading
        return self.is_idle or is_slow

    def send(self, data: bytes, body: bytes = b"", *, last: bool, keep_alive: bool = False) -> None:
        """Send *data* and *body*.

        After the *last* of a response go on with the next request, or close.
        """
        if self.closed:
            return
        if not self._output:
            self._took_at, self._has_taken = self._loop.now, False
        try:
            self._output.send(self._sock, data, body)
        except OSError:
            self.close()
            return
        if self._output:
            self._application.answers.note(self, len(self._output))
            self.expires_at = self._loop.now + _STALL_SECONDS
        if last:
            self._finish_response(keep_alive=keep_alive and not self._is_exhausted())
        self._update_interest()

    def close(self) -> None:
        """Close the socket at once."""
        if self.closed:
            return
        self.closed = True
        if self._watched:
            self._loop.forget(self._sock)
        self._sock.close()
        self._output.clear()
        self._application.hold(self, 0)
        self._application.answers.note(self, 0)
        self._application.on_closed(self)

    def expire(self) -> None:
        """End what took too long: a silent request is told so, a silent connection is closed."""
        if self._phase in ("head", "body") and (self._input or self._phase == "body"):
            self._refuse(RequestError(408, "The request was not complete in time."))
        elif self._phase != "busy" or self._output:
            self.close()

    def _on_event(self, events: int) -> None:
        if events & WRITE:
            self._flush()
        if events & READ and not self.closed:
            self._read()

    def _read(self) -> None:
        try:
            data = self._sock.recv(_MOST_READ if self._phase == "body" else _LEAST_READ)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.close()
            return
        if self._phase == "lingering":
            if not data:
                self.close()
            return
        if not data:
            self._on_end()
            return
        if not self._take_directly(data):
            self._input += data
            if self._phase != "busy":
                self._parse()
        self._update_interest()

    def _take_directly(self, data: bytes) -> bool:
        """Take *data* without the buffer if it is nothing but a part of a body."""
        if self._input or self._output or self._phase != "body" or self._body is None:
            return False
        try:
            body = self._body.feed_part(data)
        except ValueError:
            return False
        self.expires_at = self._loop.now + _STALL_SECONDS
        if body is not None:
            self._body = None
            self._start(body)
        elif not self._application.hold(self, self._body.size):
            self._refuse(RequestError(503, TOO_MUCH))
        return True

    def _on_end(self) -> None:
        """The client sends no more; one that waits for an answer still gets it."""
        self._ended = True
        if self._phase == "busy" or self._output:
            self._update_interest()
        else:
            self.close()

    def _parse(self) -> None:
        """Go through what came in, unless the client takes no answers."""
        self._parsing = True
        try:
            while len(self._output) < self._application.answers.high_water and not self.closed:
                if self._phase not in ("head", "body"):
                    break
                if not (self._parse_head() if self._phase == "head" else self._parse_body()):
                    break
        except RequestError as error:
            self._refuse(error)
        finally:
            self._parsing = False

    def _parse_head(self) -> bool:
        if self._input.startswith(b"\r\n"):
            del self._input[:2]  # a line too many after the last request (RFC 9112, 2.2)
        parsed = parse_head(self._input)
        now = self._loop.now
        if parsed is None:
            if self._input and self.expires_at > now + _HEAD_SECONDS:
                self.expires_at = now + _HEAD_SECONDS
            return False
        self._head, length = parsed
        del self._input[:length]
        if not self._head.chunked and not self._head.length:
            self._start(b"")
            return True
        self._body = BodyReader(self._head, self._application.max_body)
        self._phase = "body"
        if self._head.expects_continue and not self._input:
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n", last=False)
        return True

    def _parse_body(self) -> bool:
        self.expires_at = self._loop.now + _STALL_SECONDS
        reader = self._body
        body = reader.feed(self._input) if reader is not None else b""
        if body is None:
            if reader is not None and not self._application.hold(self, reader.size):
                raise RequestError(503, TOO_MUCH)
            return False
        self._body = None
        self._start(body)
        return True

    def _start(self, body: bytes) -> None:
        self._phase = "busy"
        self._application.hold(self, len(body))
        head, self._head = self._head, None
        self._application.on_request(self, head, body)

    def _finish_response(self, *, keep_alive: bool) -> None:
        self.job = None
        self._application.hold(self, 0)
        if not keep_alive:
            self._phase = "closing"
            if not self._output:
                self._linger()
            return
        self._phase = "head"
        self.expires_at = self._loop.now + _IDLE_SECONDS
        if self._input and not self._parsing:
            self._parse()

    def _is_exhausted(self) -> bool:
        """Say whether the client ended, and no other request of its waits."""
        return self._ended and b"\r\n\r\n" not in self._input

    def _refuse(self, error: RequestError) -> None:
        self._phase = "busy"
        self._input.clear()
        self._body = None
        self._application.on_bad_request(self, error)

    def _flush(self) -> None:
        try:
            if not self._output.flush(self._sock):
                return
        except OSError:
            self.close()
            return
        self._application.answers.note(self, len(self._output))
        self._took_at, self._has_taken = self._loop.now, True
        self.expires_at = self._loop.now + _STALL_SECONDS
        if not self._output and self._phase == "closing":
            self._linger()
        elif not self._output and self._phase == "head":
            self.expires_at = self._loop.now + _IDLE_SECONDS
        if self._phase == "head" and self._input and not self._parsing:
            self._parse()
        if self.on_drained is not None and len(self._output) < self._application.answers.high_water:
            self.on_drained()
        self._update_interest()

    def _linger(self) -> None:
        """Close, but let the client read first, even if it still sends (RFC 9112, 9.6)."""
        if self._ended:
            self.close()
            return
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.close()
            return
        self._phase = "lingering"
        self.expires_at = self._loop.now + _LINGER_SECONDS

    def _update_interest(self) -> None:
        if self.closed:
            return
        paused = len(self._output) >= self._application.answers.high_water or (
            self._phase == "busy" and len(self._input) > _MOST_PIPELINED
        )
        reads = not self._ended and not paused and self._phase != "closing"
        wanted = (READ if reads else 0) | (WRITE if self._output else 0)
        if wanted == self._watched:
            return
        if not self._watched:
            self._loop.watch(self._sock, wanted, self._on_event)
        elif not wanted:
            self._loop.forget(self._sock)
        else:
            self._loop.change(self._sock, wanted)
        self._watched = wanted
