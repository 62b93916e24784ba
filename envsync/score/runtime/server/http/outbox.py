"""What a client has yet to take."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

_MOST_AT_ONCE = 1048576


class Outbox(bytearray):
    """The bytes that are still to be sent; as long as there are any, others wait behind them."""

    def send(self, sock: "socket.socket", data: bytes, body: bytes) -> None:
        """Send as much of *data* and *body* as *sock* takes now, and keep the rest.

        Raises:
            OSError: the client is gone.
        """
        sent = 0
        if not self:
            try:
                sent = sock.sendmsg((data, body)) if body else sock.send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
        if sent < len(data):
            self.extend(memoryview(data)[sent:])
            sent = len(data)
        self.extend(memoryview(body)[sent - len(data) :])

    def flush(self, sock: "socket.socket") -> bool:
        """Send as much as *sock* takes now; say whether that is anything.

        Raises:
            OSError: the client is gone.
        """
        try:
            sent = sock.send(memoryview(self)[:_MOST_AT_ONCE])
        except (BlockingIOError, InterruptedError):
            return False
        del self[:sent]
        return True
