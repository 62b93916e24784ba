"""Child processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """How a child process ended, and what it printed."""

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
    """Run *command* to its end and return its output; its status is the caller's to judge.

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
    """Start *command* with pipes at its stdin and stdout; its stderr is this process's own.

    Raises:
        EnvsyncError: the program isn't there or can't be started.
    """
    try:
        return subprocess.Popen(  # noqa: S603  # every caller passes a list it made
            command, cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
    except OSError as error:
        raise EnvsyncError(f"Cannot run `{command[0]}`: {error.strerror or error}") from error


def call(command: Sequence[str], *, env: Mapping[str, str]) -> int:
    """Run *command* on this process's own streams, found on *env*'s PATH; return its status.

    A command that a signal ended has 128 and the signal's number, as in a shell.

    Raises:
        EnvsyncError: the program isn't there or can't be started.
    """
    program = shutil.which(command[0], path=env.get("PATH"))
    if program is None:
        raise EnvsyncError(f"`{command[0]}` is not on the environment's PATH")
    try:
        status = subprocess.call([program, *command[1:]], env=env)  # noqa: S603  # the user's own
    except OSError as error:
        raise EnvsyncError(f"Cannot run `{command[0]}`: {error.strerror or error}") from error
    return status if status >= 0 else 128 - status


def become(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> NoReturn:
    """Let *command* take the place of this process; its end is then this one's.

    Raises:
        EnvsyncError: the program isn't there or can't be started.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.chdir(cwd)
        if sys.platform == "win32":  # there, the caller would not wait for what takes its place
            sys.exit(call(command, env=env))
        os.execve(command[0], list(command), env)  # noqa: S606  # every caller passes a list it made
    except OSError as error:
        raise EnvsyncError(f"Cannot run `{command[0]}`: {error.strerror or error}") from error
