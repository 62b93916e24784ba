"""Answers that clients have yet to take: how many bytes there may be, and who has to go."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from .http.connection import Connection

HIGH_WATER = 1048576  # bytes for one client before its next request is looked at
_MOST_BYTES = 67108864  # for all but the one that has most


class Backlog:
    """Counts what waits for all clients; *on_room* is called once it is no longer too much.

    An answer may be as large as it is. But while there is too much in all, no request is given to
    the script, and connections are closed whose clients take nothing.
    """

    def __init__(self) -> None:
        self._sizes = {}  # type: dict[Connection, int]
        self._bytes = 0
        self._was_full = False
        self.on_room: "Callable[[], None]" = lambda: None

    @property
    def is_full(self) -> bool:
        """Whether there is too much."""
        if self._bytes <= _MOST_BYTES:
            return False
        return self._bytes - max(self._sizes.values()) > _MOST_BYTES

    @property
    def high_water(self) -> int:
        """How much may wait for a client before its next request is looked at."""
        return 1 if self.is_full else HIGH_WATER

    def note(self, connection: "Connection", size: int) -> None:
        """Note that *size* bytes wait for *connection*."""
        before = self._sizes.pop(connection, 0)
        if size:
            self._sizes[connection] = size
        self._bytes += size - before
        was_full, self._was_full = self._was_full, self.is_full
        if was_full and not self._was_full:
            self.on_room()

    def make_room(self) -> None:
        """Close those whose clients stopped taking anything until the rest is bearable."""
        if not self.is_full:
            return
        silent = [one for one in self._sizes if one.has_stopped_reading]
        silent.sort(key=lambda one: one.silent_seconds, reverse=True)
        for connection in silent:
            if self.is_full:
                connection.close()
