"""Waiting for servers as long as they send something, and no longer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from envsync.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from typing import Any

_Result = TypeVar("_Result")

TIMEOUT_VARIABLE = "ENVSYNC_TIMEOUT"
_SECONDS = 20.0
_BEFORE_NOTICE = 5.0
_INTERVAL = 0.5
_LEAST_BYTES = 1024  # in all the seconds: fewer are no download
_LEAST_WRITTEN = 4096
_BUSY = 0.2  # of a processor: something is being read, solved or unpacked
_DESCRIPTORS = Path("/proc/self/fd")
_IO = Path("/proc/self/io")
_WAITING_STATES = frozenset({1, 2, 8})  # established, connecting, closed by the other side
_RECEIVED = 128  # where Linux has the bytes received in its `struct tcp_info`


class Stalled(Exception):  # noqa: N818  # its catcher makes the error of it
    """Servers were asked, and sent nothing for *seconds*."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How many *seconds* of silence are borne; *notice* is called once in good time before."""

    seconds: float
    notice: Callable[[], None] = lambda: None


def find_timeout() -> float:
    """Return the seconds of `$ENVSYNC_TIMEOUT`, or the usual ones.

    Raises:
        DefinitionError: it is no number of seconds.
    """
    text = os.environ.get(TIMEOUT_VARIABLE, "")
    try:
        seconds = float(text) if text else _SECONDS
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise DefinitionError(
            f"`{TIMEOUT_VARIABLE}` is `{text}`, which is no number of seconds",
            hint=f"give one such as `{_SECONDS:.0f}`",
        )
    return seconds


async def watch(work: Coroutine[Any, Any, _Result], patience: Patience) -> _Result:
    """Do *work*; give it up when nothing comes from the network and nothing else goes on.

    rattler has no limit for silence, only one for a whole download, and a long download is no
    fault. So the bytes that the system received for this process are looked at. Where it does
    not tell, nothing is given up.

    Raises:
        Stalled: it was given up.
    """
    task = asyncio.ensure_future(work)
    seen, since, noticed = _measure(), time.monotonic(), False
    while not task.done():
        await asyncio.wait({task}, timeout=min(_INTERVAL, patience.seconds / 4))
        now = _measure()
        silent = time.monotonic() - since
        if not now.is_waiting or _is_active(seen, now):
            seen, since, noticed = now, time.monotonic(), False
        elif silent >= patience.seconds and not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            raise Stalled(patience.seconds)
        elif not noticed and silent >= min(_BEFORE_NOTICE, patience.seconds / 2):
            noticed = True
            patience.notice()
    return task.result()


class _Sample(NamedTuple):
    """What the process did until *moment*; *received* are bytes by connection."""

    moment: float
    is_waiting: bool
    received: dict[int, int]
    cpu: float
    written: int


def _measure() -> _Sample:
    connections = dict(_list_connections())
    return _Sample(
        moment=time.monotonic(),
        is_waiting=bool(connections),
        received=connections,
        cpu=time.process_time(),
        written=_count_written(),
    )


def _is_active(before: _Sample, now: _Sample) -> bool:
    """Tell whether enough has happened since *before*, which is the last time that it had."""
    received = sum(
        max(0, count - before.received.get(inode, 0)) for inode, count in now.received.items()
    )
    is_busy = now.cpu - before.cpu > _BUSY * max(now.moment - before.moment, _INTERVAL)
    return received >= _LEAST_BYTES or is_busy or now.written - before.written >= _LEAST_WRITTEN


def _list_connections() -> Iterator[tuple[int, int]]:
    """Yield the inode and the bytes received of each TCP connection that may bring more."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(_DESCRIPTORS):
            with contextlib.suppress(OSError, ValueError):
                target = str(Path(entry.path).readlink())
                if target.startswith("socket:["):
                    received = _count_received(int(entry.name))
                    if received is not None:
                        yield int(target[8:-1]), received


def _count_received(descriptor: int) -> int | None:
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        if connection.type != socket.SOCK_STREAM or connection.family not in (
            socket.AF_INET,
            socket.AF_INET6,
        ):
            return None
        information = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    if information[0] not in _WAITING_STATES or len(information) < _RECEIVED + 8:
        return None
    return int(struct.unpack_from("Q", information, _RECEIVED)[0])


def _count_written() -> int:
    """Return the bytes that the process had written to disk, 0 where the system doesn't tell."""
    try:
        lines = _IO.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("write_bytes:"))
