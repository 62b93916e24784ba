"""`envsync serve`: the entry script behind a scoring URI, in the environment of its definition."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from envsync import __version__, process
from envsync.score.command import RUNTIME, runtime_command
from envsync.score.interpreter import activated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from envsync.model.scoring.target import ScoringTarget

ANY_HOST = "*"
_LOOPBACK = "loopback"  # as the runtime calls all the names of this machine for itself


@dataclass(frozen=True, kw_only=True, slots=True)
class ServeOptions:
    """How to serve; *workers* None leaves it to `WORKER_COUNT`.

    *grace* is how many seconds the requests have that are there when it is told to stop,
    *max_body* how many MiB a request may have. *allowed_hosts* are the names by which it may be
    asked besides its own, `*` any; see `name_hosts`.
    """

    host: str = "localhost"
    allowed_hosts: tuple[str, ...] = ()
    port: int = 6789
    workers: int | None = None
    reload: bool = False
    access_log: bool = True
    show_errors: bool = False
    debug_port: int | None = None
    max_body: int = 128
    grace: int = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerPlace:
    """Where a server runs.

    It says how it is at the socket *control*, and gets its port from the server that has that for
    the one *before* it. *hosts* are those of the requests that it answers. At a hang-up it
    *reloads* its script, or ends.
    """

    control: str | None = None
    before: str | None = None
    hosts: str = ANY_HOST
    reloads: bool = False


def serve(
    target: ScoringTarget,
    options: ServeOptions,
    *,
    environ: Mapping[str, str],
    lock_digest: str | None = None,
) -> NoReturn:
    """Become the server of *target*; its status is 0 after it was told to stop.

    It is 2 if the script is no entry script, and 1 if it can't be loaded or the port is taken.
    """
    process.become(
        server_command(
            target,
            options,
            lock_digest=lock_digest,
            place=ServerPlace(hosts=name_hosts(options)),
        ),
        cwd=target.app_root,
        env=activated(environ, target.interpreter, dict(target.variables)),
    )


def server_command(
    target: ScoringTarget,
    options: ServeOptions,
    *,
    lock_digest: str | None = None,
    runtime: Path = RUNTIME,
    place: ServerPlace,
) -> tuple[str, ...]:
    """Return the command of the server of *target* in *place*: the *runtime* under its Python."""
    given: dict[str, object] = {
        "host": options.host,
        "port": options.port,
        "workers": options.workers,
        "max-body": options.max_body,
        "grace": options.grace,
        "reload": "yes" if options.reload else "no",
        "access-log": "yes" if options.access_log else "no",
        "debug-port": options.debug_port,
        "show-errors": "yes" if options.show_errors else "no",
        "control": place.control,
        "take-over": place.before,
        "hosts": place.hosts,
        "hang-up": "reload" if place.reloads else "stop",
        "lock-digest": lock_digest,
        "version": f"envsync/{__version__}",
    }
    return runtime_command("serve", target, given, runtime=runtime)


def name_hosts(options: ServeOptions) -> str:
    """Return which hosts a request may name, as the runtime reads it.

    Where only this machine is served, that is this machine alone: another name in a request tells
    of a web page that had its own name lead here. Elsewhere nobody but the user knows the names.
    """
    if ANY_HOST in options.allowed_hosts:
        return ANY_HOST
    own = () if options.host == "localhost" else (options.host,)
    if _is_loopback(options.host) or options.allowed_hosts:
        return ",".join((_LOOPBACK, *own, *options.allowed_hosts))
    return ANY_HOST


def _is_loopback(host: str) -> bool:
    """Say whether whoever listens on *host* can be reached from this machine alone."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return host == "localhost"  # the server will say what is wrong with it
    addresses = (ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found)
    return all(address.is_loopback for address in addresses)
