"""Child processes."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, NoReturn

from envsync.errors import EnvsyncError
from envsync.remedy import Step, advise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_DYING_SECONDS, _PAUSE = 5.0, 0.005
_LONGEST_NOTE = 4096
_STAT_STATE, _STAT_START = 0, 19  # fields of Linux's /proc/PID/stat after the program's name

# The child writes `pid` before it becomes the command, which may end at once, and so closes stdout;
# the parent writes `status` at the end. See `detach`.
_WATCH = """
folder=$1; shift
(
  (
    { read -r boot </proc/sys/kernel/random/boot_id && read -r stat </proc/self/stat &&
      (umask 077; printf '%s %s\\n' "$boot" "$stat" >"$folder/.pid") &&
      mv "$folder/.pid" "$folder/pid"
    } || exit 143
    exec "$@" </dev/null >>"$folder/log" 2>&1
  ) &
  exec >/dev/null
  wait "$!"
  status=$?; umask 077
  printf '%s\\n' "$status" >"$folder/.status" && mv "$folder/.status" "$folder/status"
) &
"""


class NoSuchProgramError(EnvsyncError):
    """A program was not found; the exit status is as in a shell."""

    exit_status = 127


class NotExecutableError(EnvsyncError):
    """A program can't be started; the exit status is as in a shell."""

    exit_status = 126


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """The exit status and the output of a child process."""

    status: int
    stdout: str
    stderr: str


def run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
) -> Completed:
    """Run *command* to its end and return its output; the caller judges its status.

    Raises:
        EnvsyncError: the program isn't there or can't be started.
    """
    try:
        done = subprocess.run(  # noqa: S603  # every caller passes a list it made
            command,
            cwd=cwd,
            env=env,
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise EnvsyncError(f"Cannot run `{command[0]}`: {error.strerror or error}") from error
    return Completed(status=done.returncode, stdout=done.stdout, stderr=done.stderr)


def start(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start *command* with pipes at its stdin and stdout; its stderr is this process's own."""
    try:
        return subprocess.Popen(  # noqa: S603  # every caller passes a list it made
            command, cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
    except OSError as error:
        raise EnvsyncError(f"Cannot run `{command[0]}`: {error.strerror or error}") from error


def call(command: Sequence[str], *, env: Mapping[str, str]) -> int:
    """Run *command* on this process's own streams, found on *env*'s PATH; return its status.

    For a command that a signal ended, it is 128 plus the signal's number, as in a shell.

    Raises:
        NoSuchProgramError: the program isn't there.
        NotExecutableError: it can't be started.
    """
    program = _find_program(command[0], env.get("PATH"))
    try:
        status = subprocess.call([program, *command[1:]], env=env)  # noqa: S603  # the user's own
    except OSError as error:
        raise NotExecutableError(f"Cannot run `{command[0]}`: {error.strerror or error}") from error
    return status if status >= 0 else 128 - status


def _find_program(name: str, path: str | None) -> str:
    import shutil  # noqa: PLC0415  # slow to load: it brings all archive formats

    program = shutil.which(name, path=path)
    if program is not None:
        return program
    if os.sep in name and Path(name).is_dir():
        raise NotExecutableError(f"Cannot run `{name}`: it is a folder")
    if found := shutil.which(name, mode=os.F_OK, path=path):
        raise NotExecutableError(
            f"Cannot run `{found}`: it is not executable", hint=f"run `chmod +x {found}`"
        )
    if os.sep in name:
        raise NoSuchProgramError(f"Cannot run `{name}`: No such file or directory")
    raise NoSuchProgramError(
        f"`{name}` is not on the environment's PATH",
        hint=advise(
            "add the package that has it with ", Step("add"), ", then lock and build again"
        ),
    )


def become(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> NoReturn:
    """Replace this process with *command*, whose exit status becomes this one's."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # as it is where the caller closed it
            stream.flush()
    try:
        os.chdir(cwd)
        if sys.platform == "win32":  # there, the caller would not wait for the new process
            sys.exit(call(command, env=env))
        os.execve(command[0], list(command), env)  # noqa: S606  # every caller passes a list it made
    except OSError as error:
        raise EnvsyncError(f"Cannot run `{command[0]}`: {error.strerror or error}") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessIdentity:
    """A process, distinguished from a later one with the same *pid*.

    *boot* identifies the system's start, *started* is the process's start since then.
    """

    pid: int
    boot: str
    started: str

    def is_alive(self) -> bool:
        """Return whether it still runs; a zombie does not."""
        try:
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
            found = _parse_stat(Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return boot == self.boot and found == (self.pid, self.started)

    def send(self, number: int) -> None:
        """Send it the signal *number*, if it still runs."""
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it and the sessions that its children lead, and return when it is gone."""
        if not self.is_alive():
            return
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        with contextlib.suppress(OSError):
            children = [int(word) for word in listed.read_text(encoding="ascii").split()]
            self.send(signal.SIGKILL)
            for child in children:
                with contextlib.suppress(OSError):
                    os.killpg(child, signal.SIGKILL)
        self.send(signal.SIGKILL)
        deadline = time.monotonic() + _DYING_SECONDS  # in vain where its disk hangs
        while self.is_alive() and time.monotonic() < deadline:
            time.sleep(_PAUSE)


def detach(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], folder: Path
) -> ProcessIdentity:
    """Start *command* so that it outlives this process, and return its identity.

    It leaves files in *folder*: `log` has its output, `pid` its identity (see `read_identity`) and
    `status` its exit status. They are written even if this process is killed, and only this user
    can read them.

    Raises:
        EnvsyncError: it can't be started, or this is not Linux, which alone identifies processes.
    """
    if not Path("/proc/self/stat").exists():
        raise EnvsyncError("A process can be left running on Linux only", hint="use a container")
    for name in ("pid", "status"):
        (folder / name).unlink(missing_ok=True)
    try:
        log = folder / "log"
        log.touch(mode=0o600)
        log.chmod(0o600)
        subprocess.run(  # noqa: S603  # every caller passes a list it made
            ["/bin/sh", "-c", _WATCH, "sh", str(folder), *command],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # it closes once `pid` is written
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EnvsyncError(f"Cannot run `{command[0]}`: {error}") from error
    identity = read_identity(folder)
    if identity is None:
        raise EnvsyncError(f"Cannot run `{command[0]}`: `{folder}` can't be written to")
    return identity


def read_identity(folder: Path) -> ProcessIdentity | None:
    """Return the process that `detach` started for *folder*, None if there is none."""
    try:
        boot, _, stat = _read_note(folder / "pid").partition(" ")
        pid, started = _parse_stat(stat)
    except (OSError, ValueError):
        return None
    return ProcessIdentity(pid=pid, boot=boot, started=started)


def _read_note(path: Path) -> str:
    """Return the text of the small file *path*, without waiting for a pipe in its place.

    Raises:
        OSError: it can't be read.
    """
    flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        if not S_ISREG(os.fstat(descriptor).st_mode):
            raise FileExistsError(errno.EEXIST, "not a regular file")
        return os.read(descriptor, _LONGEST_NOTE).decode("utf-8")
    finally:
        os.close(descriptor)


def _parse_stat(stat: str) -> tuple[int, str]:
    """Return the number and the start of the process from its *stat* text.

    Raises:
        ValueError: the text has another form, or the process has ended.
    """
    number, _, rest = stat.partition(" ")
    fields = rest.rpartition(")")[2].split()
    if len(fields) <= _STAT_START or fields[_STAT_STATE] in "ZX":
        raise ValueError(stat)
    return int(number), fields[_STAT_START]
