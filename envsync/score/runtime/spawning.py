"""Starting a worker: a process with a socket for stdin and stdout."""

import os
import socket
import subprocess
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .settings import Settings

    Spawned = tuple[subprocess.Popen[bytes], socket.socket]


def worker_command(settings: "Settings") -> "list[str]":
    """Return the command of a worker under this very interpreter."""
    runtime = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__main__.py")
    command = [sys.executable, "-B", runtime, "worker", "--supervised", "yes"]
    command += ["--entry-script", settings.entry_script, "--app-root", settings.app_root]
    return [*command, "--model-dir", settings.model_dir] if settings.model_dir else command


def spawn(command: "list[str]") -> "Spawned":
    """Start *command*; return the process and our end of its socket.

    It has a session of its own: Ctrl-C is for the supervisor, and its children end with it.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(  # noqa: S603  # a command made above
            command, stdin=theirs.fileno(), stdout=theirs.fileno(), start_new_session=True
        )
    ours.setblocking(False)  # noqa: FBT003  # the library's signature
    return process, ours
