"""Passing the sockets that listen on to the next server, so that no request finds none."""

import json
import os
import socket
import struct

from .event_loop import READ
from .log import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from .event_loop import EventLoop

_PATIENCE = 5.0
_BACKLOG = 16
_MOST_SOCKETS = 16
_MOST_BYTES = 4096
ASK, TAKE = b"?", b"T"


class Handover:
    """The way to the server before, *tie*, and to those after it, by the socket at *path*.

    While the server before goes on, and this one has loaded nothing, its requests are for that.
    """

    def __init__(self, path: str, tie: "socket.socket | None" = None) -> None:
        self._path = path
        self._tie = tie
        self._door = None  # type: socket.socket | None
        self._heirs = []  # type: list[socket.socket]
        self.is_waiting = tie is not None

    @property
    def is_shared(self) -> bool:
        """Whether another server has the same sockets, and takes new connections."""
        return bool(self._heirs) or self._tie is not None

    def attend(
        self,
        loop: "EventLoop",
        listeners: "list[socket.socket]",
        is_ready: "Callable[[], bool]",
    ) -> None:
        """Answer those who ask through the socket from now on."""
        self._loop = loop
        self._listeners = listeners
        self._is_ready = is_ready
        if self._tie is not None:
            loop.watch(self._tie, READ, lambda _: self._lose_tie())
        if not self._path:
            return
        try:
            self._door = _open_door(self._path)
        except (OSError, AttributeError) as error:
            say("WARNING", "No way for the next server to take over: {}".format(error))
            return
        loop.watch(self._door, READ, lambda _: self._admit())

    def close(self) -> None:
        """Let the next server know that this one takes no more."""
        if self._tie is not None:
            self._lose_tie()
        for sock in [*self._heirs, *filter(None, [self._door])]:
            self._loop.forget(sock)
            sock.close()
        self._heirs, self._door = [], None

    def _lose_tie(self) -> None:
        if self._tie is not None:
            self._loop.forget(self._tie)
            self._tie.close()
        self._tie = None
        self.is_waiting = False

    def _admit(self) -> None:
        door = self._door
        try:
            sock = door.accept()[0] if door is not None else None
        except OSError:
            return
        if sock is not None:
            sock.setblocking(False)  # noqa: FBT003  # the library's signature
            self._loop.watch(sock, READ, lambda _: self._answer(sock))

    def _answer(self, sock: socket.socket) -> None:
        try:
            asked = sock.recv(1)
            if asked == TAKE:
                _send_listeners(sock, self._listeners)
                self._heirs.append(sock)
                return
            if asked == ASK:
                sock.send(b"ready" if self._is_ready() else b"loading")
        except OSError:
            pass  # whoever asked is gone
        if sock in self._heirs:
            self._heirs.remove(sock)
        self._loop.forget(sock)
        sock.close()


def take_over(path: str) -> "tuple[list[socket.socket], socket.socket | None]":
    """Return the listening sockets of the server whose socket is at *path*, and the tie to it.

    The tie ends when that server stops. There is nothing if it is gone already.
    """
    if not path:
        return [], None
    tie = socket.socket(socket.AF_UNIX)
    try:
        tie.settimeout(_PATIENCE)
        tie.connect(path)
        tie.send(TAKE)
        found = _receive_listeners(tie)
    except (OSError, ValueError):
        found = []
    if not found:
        tie.close()
        return [], None
    tie.setblocking(False)  # noqa: FBT003  # the library's signature
    return found, tie


def _open_door(path: str) -> socket.socket:
    """Return a socket that listens at *path*, for this user alone."""
    door = socket.socket(socket.AF_UNIX)
    aside = path + ".new"
    try:
        if os.path.exists(aside):
            os.unlink(aside)
        mask = os.umask(0o177)
        try:
            door.bind(aside)
        finally:
            os.umask(mask)
        door.listen(_BACKLOG)
        door.setblocking(False)  # noqa: FBT003  # the library's signature
        os.replace(aside, path)
    except OSError:
        door.close()
        os.unlink(path)  # who finds nothing there asks elsewhere
        raise
    return door


def _send_listeners(sock: socket.socket, listeners: "list[socket.socket]") -> None:
    families = json.dumps([int(listener.family) for listener in listeners]).encode()
    numbers = struct.pack("{}i".format(len(listeners)), *[one.fileno() for one in listeners])
    sock.sendmsg([families], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])


def _receive_listeners(sock: socket.socket) -> "list[socket.socket]":
    room = socket.CMSG_SPACE(_MOST_SOCKETS * struct.calcsize("i"))
    text, told, _flags, _address = sock.recvmsg(_MOST_BYTES, room)
    numbers = []  # type: list[int]
    for level, kind, given in told:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            whole = len(given) // struct.calcsize("i")
            numbers += struct.unpack_from("{}i".format(whole), given)
    families = json.loads(text.decode()) if text else []
    found = []
    for family, number in zip(families, numbers):
        os.set_inheritable(number, False)  # noqa: FBT003  # the library's signature
        listener = socket.socket(family, socket.SOCK_STREAM, fileno=number)
        listener.setblocking(False)  # noqa: FBT003  # the library's signature
        found.append(listener)
    return found
