"""The sockets that the server listens on."""

import os
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BACKLOG = 1024


def open_listeners(host: str, port: int) -> "list[socket.socket]":
    """Return sockets that listen on *port* of *host*; of a name's addresses all that there are.

    Port 0 takes one that is free, the same for each address.

    Raises:
        OSError: none can be had; the first reason counts.
    """
    found = []  # type: list[socket.socket]
    addresses = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
    for family, kind, protocol, _, address in sorted(addresses, key=lambda one: one[0]):
        chosen = found[0].getsockname()[1] if found else port
        try:
            listener = socket.socket(family, kind, protocol)
        except OSError:
            continue  # no IPv6 here
        try:
            _listen(listener, (address[0], chosen, *address[2:]))
        except OSError:
            listener.close()
            if not found:
                raise
            continue
        found.append(listener)
    return found


def _listen(listener: socket.socket, address: "Any") -> None:
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if listener.family == getattr(socket, "AF_INET6", None):
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.setblocking(False)  # noqa: FBT003  # the library's signature
    listener.bind(address)
    listener.listen(_BACKLOG)


def explain_address(error: OSError, host: str, port: int) -> "tuple[str, str]":
    """Return what is the case and what to do, for an *error* of `open_listeners`."""
    import errno  # noqa: PLC0415  # only here

    if error.errno == errno.EADDRINUSE:
        message = "Port {} of `{}` is in use".format(port, host)
        return message, "choose another with `--port`; 0 takes one that is free"
    if error.errno == errno.EACCES:
        message = "Port {} needs rights that this user lacks".format(port)
        return message, "choose one from 1024 on with `--port`"
    message = "Cannot listen on `{}`: {}".format(host, error.strerror or error)
    return message, "give `--host` an address of this machine"
