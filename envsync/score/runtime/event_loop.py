"""Waiting for many sockets at once."""

import selectors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE


class EventLoop:
    """Calls back whom a socket has news for."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, sock: "Any", events: int, callback: "Callable[[int], None]") -> None:
        """Call *callback* with what is ready when *sock* is ready for any of *events*."""
        self._selector.register(sock, events, callback)

    def change(self, sock: "Any", events: int, callback: "Callable[[int], None]") -> None:
        """Watch *sock*, watched already, for *events* instead."""
        self._selector.modify(sock, events, callback)

    def forget(self, sock: "Any") -> None:
        """Watch *sock* no longer."""
        self._selector.unregister(sock)

    def turn(self, timeout: float) -> None:
        """Wait at most *timeout* seconds, and call back for all that is ready."""
        for key, events in self._selector.select(timeout):
            if key.fd in self._selector.get_map():  # an earlier callback may have closed it
                key.data(events)
