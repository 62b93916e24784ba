"""Asking a server how it is."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from envsync.model.scoring.service import ServiceStatus

Health = Literal["ready", "loading", "silent"]

CONTROL = "control"
LOOPBACK = "127.0.0.1"
_PATIENCE = 5.0
_OK = 200
_LOADED = "envsync_script_loads_total"
_NOT_LOADED = "envsync_script_failed_loads_total"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5  # seconds
SETTLING_SECONDS = 0.3  # engines may tell for a moment what was before a start
ERROR_LINES = 40
_RELOADED = b" INFO envsync: Loading the entry script again"  # only to show less


@dataclass(frozen=True, kw_only=True, slots=True)
class Loads:
    """How many workers could load the script so far, and how many could not."""

    loaded: int
    failed: int


def ask_health(port: int) -> Health:
    """Return how the server at *port* of this machine says that it is."""
    try:
        status, _ = _get(port, "/")
    except TimeoutError:
        return "silent"
    except (OSError, http.client.HTTPException):
        return "loading"  # it does not listen yet
    return "ready" if status == _OK else "loading"


def ask_control(folder: Path) -> Health | None:
    """Return how the server with a socket `control` in *folder* says that it is, None if none has.

    Other than an answer at its port this can't be another server's.
    """
    if not (folder / CONTROL).exists():
        return None
    inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(_PATIENCE)
            sock.connect(f"/proc/self/fd/{inside}/{CONTROL}")  # paths of sockets have to be short
            sock.send(b"?")
            return "ready" if sock.recv(16) == b"ready" else "loading"
    except TimeoutError:
        return "silent"
    except OSError:
        return "loading"  # it does not listen yet
    finally:
        os.close(inside)


def count_loads(port: int) -> Loads | None:
    """Return what the server at *port* says of loading its script, None if it says nothing."""
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        _, body = _get(port, "/metrics")
        lines = (line.split() for line in body.decode("utf-8", "replace").splitlines())
        found = {words[0]: float(words[1]) for words in lines if len(words) == 2}  # noqa: PLR2004  # name and value
        if _LOADED in found:
            return Loads(loaded=int(found[_LOADED]), failed=int(found.get(_NOT_LOADED, 0)))
    return None


def is_port_free(port: int) -> bool:
    """Say whether a server could listen on *port* of this machine."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((LOOPBACK, port))
        except PermissionError:
            return True  # whoever serves will say which right is lacking
        except OSError:
            return False
    return True


def choose_port() -> int:
    """Return a port of this machine that is free at present."""
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        port: int = sock.getsockname()[1]
        return port


def port_taken(port: int) -> EnvsyncError:
    """Return the error for a *port* that something else listens on."""
    return EnvsyncError(
        f"Port {port} of `localhost` is in use",
        hint="choose another port: `--port PORT`, in Python `port=`; 0 takes one that is free",
    )


def pauses(seconds: float) -> Iterator[None]:
    """Pause again and again, ever longer, until *seconds* are over."""
    pause, deadline = _FIRST_PAUSE, time.monotonic() + seconds
    yield
    while (left := deadline - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_PAUSE)
        yield


def wait_until_ready(
    ask: Callable[[], ServiceStatus],
    read_log: Callable[[], bytes],
    *,
    seconds: float,
    on_wait: Callable[[], None] = lambda: None,
) -> ServiceStatus:
    """Return how a service is once it can answer; *on_wait* is called now and then until it can.

    Raises:
        EnvsyncError: its script can't be loaded, or is not after so many *seconds*.
    """
    status = ask()
    failed_since = None
    for _ in pauses(seconds):
        status = ask()
        on_wait()
        if status.state == "running":
            return status
        if status.state != "failed":
            failed_since = None
            continue
        now = time.monotonic()
        failed_since = failed_since or now
        if now - failed_since >= SETTLING_SECONDS:
            raise failed_to_start(status, read_log())
    if failed_since is not None:
        raise failed_to_start(status, read_log())
    raise EnvsyncError(
        _with_log(f"The service `{status.name}` is not ready after {seconds:g} s", read_log()),
        hint="let it load longer: `--wait SECONDS`, in Python `timeout=SECONDS`",
    )


def failed_to_start(status: ServiceStatus, log: bytes) -> EnvsyncError:
    """Return the error for a service that ended, with the end of its *log*."""
    how = "" if status.exit_status is None else f" with status {status.exit_status}"
    message = f"The server of `{status.name}` ended{how}"
    return EnvsyncError(_with_log(message, log), hint="mend what it says there, and try again")


def failed_to_load(status: ServiceStatus, log: bytes) -> EnvsyncError:
    """Return the error for new source that can't be loaded, with the end of the *log*."""
    log = log[log.rfind(b"\n", 0, log.rfind(_RELOADED)) + 1 :] if _RELOADED in log else log
    message = f"The new source of `{status.name}` can't be loaded"
    return EnvsyncError(
        _with_log(message, log), hint="the old one goes on; mend the script, and reload again"
    )


def _with_log(message: str, log: bytes) -> str:
    lines = [f"  {line}".rstrip() for line in log.decode("utf-8", "replace").splitlines()]
    return "\n".join((message + (", and its log ends so" if lines else ""), *lines[-ERROR_LINES:]))


def _get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
