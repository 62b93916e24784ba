"""`envsync serve`: the entry script behind a scoring URI, in the environment of its definition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from envsync import __version__, process
from envsync.score.command import RUNTIME, runtime_command
from envsync.score.interpreter import activated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from envsync.model.scoring import ScoringTarget


@dataclass(frozen=True, kw_only=True, slots=True)
class ServeOptions:
    """How to serve; *workers* None leaves it to `WORKER_COUNT`.

    *grace* is how many seconds the requests have that are there when it is told to stop,
    *max_body* how many MiB a request may have.
    """

    host: str = "localhost"
    port: int = 6789
    workers: int | None = None
    reload: bool = False
    access_log: bool = True
    show_errors: bool = False
    debug_port: int | None = None
    max_body: int = 128
    grace: int = 30


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
        server_command(target, options, lock_digest=lock_digest),
        cwd=target.app_root,
        env=activated(environ, target.interpreter, dict(target.variables)),
    )


def server_command(
    target: ScoringTarget,
    options: ServeOptions,
    *,
    lock_digest: str | None = None,
    runtime: Path = RUNTIME,
    control: str | None = None,
    before: str | None = None,
) -> tuple[str, ...]:
    """Return the command of the server of *target*: the *runtime* under its interpreter.

    It says how it is at the socket *control*, and gives its port to a server that has that for
    the one *before* it.
    """
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
        "control": control,
        "take-over": before,
        "lock-digest": lock_digest,
        "version": f"envsync/{__version__}",
    }
    return runtime_command("serve", target, given, runtime=runtime)
