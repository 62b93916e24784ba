"""The worker's own pipes, kept apart from the streams that the entry script prints to."""

import errno
import io
import os
import sys

from . import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NOT_THE_SCRIPTS = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EIO)


class Channel:
    """Requests in, answers out.

    Opening it takes the process's stdin and stdout for the protocol. The script is left with an
    empty stdin, and all that it, its C libraries or its children print goes to stderr.
    """

    def __init__(self) -> None:
        self._requests = os.fdopen(os.dup(0), "rb")
        self._answers = os.fdopen(os.dup(1), "wb")
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # it stays open
        sys.stdout = _line_printer(1)
        sys.stderr = _line_printer(2)

    def receive(self) -> "tuple[dict[str, Any], bytes] | None":
        """Return the next request, None when there will be no more."""
        return wire.read(self._requests)

    def send(self, header: "dict[str, Any]", body: bytes = b"") -> None:
        """Send one answer, after all that the script has printed so far."""
        _flush(sys.stdout)
        _flush(sys.stderr)
        self._answers.write(wire.pack_head(header, len(body)))
        self._answers.write(body)
        self._answers.flush()

    def close(self) -> None:
        """Hang up: a script may want to be warned of files that are left to be collected."""
        self._requests.close()
        try:
            self._answers.close()
        except OSError:
            return  # the other end is gone


class _Log(io.FileIO):
    """A file that prints of the script go to; where it takes no more of them, they are lost.

    Under the Azure ML server, too, `print` doesn't fail for want of a reader or of disk.
    """

    def write(self, data: "Any") -> int:
        """Write *data*, and say that it is written."""
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in _NOT_THE_SCRIPTS:
                raise
            return len(data)


def _line_printer(descriptor: int) -> io.TextIOWrapper:
    raw = io.BufferedWriter(_Log(descriptor, "wb", closefd=False))
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _flush(stream: "Any") -> None:
    try:
        stream.flush()
    except (AttributeError, OSError, ValueError):
        return  # the script put something else there, or closed it
