"""Waiting for many sockets at once."""

import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

# The same numbers for epoll and poll; Windows has neither, and no server there yet.
READ = 1
WRITE = 4


class EventLoop:
    """Calls back whom a socket has news for; *now* is when it last had any."""

    def __init__(self) -> None:
        self._has_epoll = hasattr(select, "epoll")
        self._poll = select.epoll() if self._has_epoll else select.poll()  # type: Any
        self._callbacks = {}  # type: dict[int, Callable[[int], None]]
        self.now = time.monotonic()

    def watch(self, sock: "Any", events: int, callback: "Callable[[int], None]") -> None:
        """Call *callback* with what is ready when *sock* is ready for any of *events*."""
        descriptor = sock.fileno()
        self._poll.register(descriptor, events)
        self._callbacks[descriptor] = callback

    def change(self, sock: "Any", events: int) -> None:
        """Watch *sock*, watched already, for *events* instead."""
        self._poll.modify(sock.fileno(), events)

    def forget(self, sock: "Any") -> None:
        """Watch *sock* no longer."""
        descriptor = sock.fileno()
        self._poll.unregister(descriptor)
        del self._callbacks[descriptor]

    def turn(self, timeout: float) -> None:
        """Wait at most *timeout* seconds, and call back for all that is ready.

        An error or a hang-up of the other side counts as something to read.
        """
        ready = self._poll.poll(timeout if self._has_epoll else timeout * 1000)
        self.now = time.monotonic()
        callbacks = self._callbacks
        for descriptor, events in ready:
            callback = callbacks.get(descriptor)
            if callback is not None:  # an earlier one may have closed it
                callback(events if events & (READ | WRITE) else READ)
