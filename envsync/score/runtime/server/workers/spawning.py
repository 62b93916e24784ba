"""Starting a worker: a process with pipes at its stdin and stdout."""

import os
import subprocess
import sys

from ...protocol.home import FOLDER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..process.settings import Settings

_SET_PIPE_SIZE = 1031  # Linux's F_SETPIPE_SZ, which `fcntl` names from Python 3.10 on
_PIPE_SIZE = 1048576


class Spawned:
    """A worker's process, and our ends of its pipes, which never block."""

    def __init__(self, command: "list[str]") -> None:
        """Start *command*.

        It has a session of its own: Ctrl-C is for the supervisor, and its children end with it.
        """
        their_in, our_out = os.pipe()
        our_in, their_out = os.pipe()
        for descriptor in (our_out, our_in):
            os.set_blocking(descriptor, False)  # the library's signature
            _enlarge(descriptor)
        self.process = subprocess.Popen(  # noqa: S603  # a command made below
            command, stdin=their_in, stdout=their_out, start_new_session=True
        )
        os.close(their_in)
        os.close(their_out)
        self.requests: "BinaryIO" = os.fdopen(our_out, "wb", 0)
        self.answers: "BinaryIO" = os.fdopen(our_in, "rb", 0)


def worker_command(settings: "Settings") -> "list[str]":
    """Return the command of a worker under this very interpreter."""
    runtime = os.path.join(FOLDER, "__main__.py")
    command = [sys.executable, "-B", runtime, "worker", "--supervised", "yes"]
    command += ["--entry-script", settings.entry_script, "--app-root", settings.app_root]
    if settings.debug_port:
        command += ["--debug-host", settings.debug_host, "--debug-port", str(settings.debug_port)]
    return [*command, "--model-dir", settings.model_dir] if settings.model_dir else command


def _enlarge(descriptor: int) -> None:
    """Let a large body pass in one go, where the system lets us."""
    if not sys.platform.startswith("linux"):
        return
    import fcntl  # noqa: PLC0415  # POSIX alone has it

    try:
        fcntl.fcntl(descriptor, _SET_PIPE_SIZE, _PIPE_SIZE)
    except OSError:
        return  # a user with many pipes has to do with small ones
