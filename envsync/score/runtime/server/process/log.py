"""The server's own lines: what happens on stderr, who asked for what on stdout."""

import sys
import time

_FLUSH_AFTER = 0.1
_MOST_WAITING = 200


def say(level: str, text: str) -> None:
    """Write a line of the server's to stderr, with the time, if that takes it."""
    try:
        sys.stderr.write(
            "{} {} envsync: {}\n".format(_timestamp(), level, _printable(text, "\n\t"))
        )
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # its reader is gone, or its disk full: the server goes on


class AccessLog:
    """A line for each answer, written in batches; *enabled* False writes none."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._lines = []  # type: list[str]
        self.flush_at = None  # type: float | None

    def add(self, method: str, target: str, status: int, seconds: float, length: str) -> None:
        """Note one answer."""
        if not self._enabled:
            return
        self._lines.append(
            "{} {} {} {} {:.3f}ms {}\n".format(
                _timestamp(), method, _printable(target), status, seconds * 1000, length
            )
        )
        if self.flush_at is None:
            self.flush_at = time.monotonic() + _FLUSH_AFTER
        if len(self._lines) >= _MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        """Write the lines that wait; a reader that is gone ends the log, not the server."""
        self.flush_at = None
        lines, self._lines = self._lines, []
        try:
            sys.stdout.write("".join(lines))
            sys.stdout.flush()
        except (OSError, ValueError):
            self._enabled = False


def _printable(text: str, kept: str = "") -> str:
    """Return *text* with what could control a terminal escaped, but for the characters *kept*."""
    if text.isprintable():
        return text
    shown = [c if c.isprintable() or c in kept else ascii(c)[1:-1] for c in text]
    return "".join(shown)


_second = [0, ""]  # the time as text, made once a second


def _timestamp() -> str:
    now = time.time()
    second = int(now)
    if _second[0] != second:
        _second[:] = [second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))]
    return "{}.{:03d}Z".format(_second[1], int((now - second) * 1000))
