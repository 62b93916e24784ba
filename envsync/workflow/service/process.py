"""A service that is a process of this machine; `$ENVSYNC_HOME/services/NAME` tells of it.

Each deployment has a folder of its own there, and the link `current` says which one counts.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from envsync import process
from envsync.errors import EnvsyncError
from envsync.files import read_regular, remove_tree, write_atomically
from envsync.model.scoring.service import ServiceStatus
from envsync.model.scoring.target import ScoringTarget
from envsync.score.app_files import (
    entry_script_place,
    list_app,
    source_name,
    write_members,
)
from envsync.score.interpreter import activated, interpreter_at
from envsync.workflow.scoring.serve import ServerPlace, name_hosts, server_command
from envsync.workflow.service.folder import (
    CURRENT,
    close_deployment,
    close_to_others,
    make_private,
    open_services,
    own_folders,
    services_folder,
)
from envsync.workflow.service.health import (
    CONTROL,
    ask_control,
    ask_health,
    choose_port,
    is_port_free,
    port_taken,
)
from envsync.workflow.service.log import follow_log, read_log
from envsync.workflow.service.plan import ServicePlan, dump_plan, parse_plan, refresh
from envsync.workflow.service.source import ProcessSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PLAN = "service.json"
_LOG = "log"  # as `process.detach` calls it
_LONGEST_PLAN = 1 << 20
_LONGEST_STATUS = 16
_WHOLE = 2  # a deployment, and the link to it
_LINGERING_SECONDS = 5.0
_PAUSE = 0.05  # seconds


class ProcessService:
    """One deployment, in its *folder*."""

    def __init__(self, folder: Path, plan: ServicePlan) -> None:
        self.folder = folder
        self.plan = plan

    @classmethod
    def list(cls) -> tuple[ProcessService, ...]:
        """Return every service of this home, by name.

        Raises:
            EnvsyncError: something of it belongs to another user.
        """
        if services_folder().exists():
            open_services()
        names = (path.parent.name for path in services_folder().glob(f"[a-z]*/{CURRENT}"))
        found = (cls.find(name) for name in sorted(names))
        return tuple(service for service in found if service is not None)

    @classmethod
    def find(cls, name: str) -> ProcessService | None:
        """Return the service *name*, None if there is none.

        Raises:
            EnvsyncError: something of it belongs to another user.
        """
        link = services_folder() / name / CURRENT
        if not services_folder().exists():
            return None
        try:
            make_private(services_folder())
            close_to_others(link)
            folder = link.parent.resolve() / link.readlink().name
            close_deployment(folder)
            text = _read_plan(folder / _PLAN)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise EnvsyncError(f"Cannot read `{link}`: {error.strerror or error}") from error
        return cls(folder, parse_plan(text, name, "process"))

    @classmethod
    def prepare(cls, plan: ServicePlan) -> ProcessService:
        """Lay the files of *plan* out in a folder of their own; nothing is started.

        Raises:
            EnvsyncError: a file can't be read or written.
        """
        if plan.options.port == 0:
            plan = replace(plan, options=replace(plan.options, port=choose_port()))
        # All is listed before anything is written: it may be too much, or not readable.
        members = tuple(list_app(plan.files, own_folders()))
        above = open_services() / plan.name
        make_private(above)
        folder = above / _next_number(above)
        make_private(folder)
        make_private(folder / "app")
        service = cls(folder, plan)
        try:
            write_members(members, service._root)
            write_atomically(folder / _PLAN, dump_plan(plan).encode())
            close_to_others(folder / _PLAN)
        except BaseException:
            service.remove()
            raise
        return service

    @classmethod
    def sweep(cls, name: str) -> bool:
        """Remove what processes that were killed have left of *name*; its lock has to be held.

        Return whether there was anything.
        """
        above = open_services() / name
        current = (above / CURRENT).resolve()
        left_over = [folder for folder in above.glob("[0-9]*") if folder != current]
        for folder in left_over:
            _end(folder, 0)
            remove_tree(folder)
        with contextlib.suppress(OSError):  # there is a service
            above.rmdir()
        return bool(left_over)

    @classmethod
    def list_left_over(cls) -> frozenset[str]:
        """Return the names of which something may be left; it may also be about to be made."""
        folders = [path for path in services_folder().glob("[a-z]*") if path.is_dir()]
        return frozenset(path.name for path in folders if len(list(path.iterdir())) != _WHOLE)

    @property
    def _root(self) -> Path:
        return self.folder / "app"

    def can_follow(self, before: object) -> bool:
        """Say whether this can take the port of *before* while that goes on."""
        if not isinstance(before, ProcessService):
            return False
        if ask_control(before.folder) not in ("ready", "loading"):
            return False  # of another version of envsync, or it hangs
        old, new = before.plan.options, self.plan.options
        is_debugged = new.debug_port is not None and new.debug_port == old.debug_port
        return (old.host, old.port) == (new.host, new.port) and not is_debugged

    def start(self, before: object = None) -> None:
        """Start the server; it may take a while until it can answer.

        It takes the port of *before*, which goes on until this one can answer.

        Raises:
            EnvsyncError: the port is taken, or nothing can be started.
        """
        plan = refresh(self.plan)
        if plan.python is None:
            raise EnvsyncError(f"The service `{plan.name}` has no Python")
        heritage = None
        if isinstance(before, ProcessService):
            heritage = f"../../{before.folder.name}/{CONTROL}"
        if heritage is None and not is_port_free(plan.options.port):
            raise port_taken(plan.options.port)
        target = ScoringTarget(
            interpreter=interpreter_at(plan.python),
            entry_script=self._root / entry_script_place(plan.files),
            app_root=self._root,
            model_dir=self._root / plan.files.model_dir,
        )
        variables = {"AZUREML_SOURCE_DIRECTORY": source_name(plan.files), **dict(plan.variables)}
        (self.folder / CONTROL).unlink(missing_ok=True)
        (self.folder / CONTROL).touch(
            mode=stat.S_IRUSR | stat.S_IWUSR
        )  # the server puts its socket there
        process.detach(
            server_command(
                target,
                plan.options,
                lock_digest=plan.lock_digest,
                place=ServerPlace(
                    control=f"../{CONTROL}",
                    before=heritage,
                    hosts=name_hosts(plan.options),
                    reloads=True,
                ),
            ),
            cwd=self._root,
            env=activated(os.environ, target.interpreter, variables),
            folder=self.folder,
        )
        while heritage is not None and self._is_alive() and not self._has_begun():
            time.sleep(_PAUSE)  # from then on the one before may go

    def stop(self) -> None:
        """Let the requests that are there end, and the server with them."""
        _end(self.folder, self.plan.options.grace)

    def status(self) -> ServiceStatus:
        """Return how it is at this moment."""
        identity = process.read_identity(self.folder)
        port = self.plan.options.port
        status = ServiceStatus(
            name=self.plan.name,
            kind="process",
            state="failed",
            port=port,
            lock_digest=self.plan.lock_digest,
            exit_status=_read_status(self.folder),
        )
        if self.plan.problem is not None:
            return replace(status, state="unknown", port=None)
        if identity is None or not identity.is_alive():
            return status
        health = ask_control(self.folder) or ask_health(port)
        if not identity.is_alive():  # and it was somebody else who answered
            return replace(status, exit_status=_read_status(self.folder))
        states = {"ready": "running", "loading": "deploying", "silent": "unknown"}
        return replace(status, state=states[health], exit_status=None)  # type: ignore[arg-type]  # one of them

    def adopt(self) -> None:
        """Let this deployment be the one that counts."""
        link = self.folder.parent / CURRENT
        aside = link.with_name(f".{CURRENT}")
        aside.unlink(missing_ok=True)
        aside.symlink_to(self.folder.name)
        aside.replace(link)

    def remove(self) -> None:
        """End it, and remove what there is of it."""
        self.stop()
        link = self.folder.parent / CURRENT
        if link.resolve() == self.folder:
            link.unlink()
        remove_tree(self.folder)
        with contextlib.suppress(OSError):  # another deployment is there
            self.folder.parent.rmdir()

    def bring_source(self) -> ProcessSource:
        """Lay the source out anew, beside what is used; see `ProcessSource`."""
        return ProcessSource(self._root, self.folder, self.plan)

    def read_log(self, tail: int | None = None) -> bytes:
        """Return what it printed, or the last *tail* lines of that."""
        return read_log(self.folder / _LOG, tail)[0]

    def follow_log(self, tail: int | None = None) -> Iterator[bytes]:
        """Yield what it printed and what it prints, until it ends or is gone."""
        return follow_log(self.folder / _LOG, tail, self._is_alive)

    def _has_begun(self) -> bool:
        with contextlib.suppress(OSError):
            return (self.folder / CONTROL).is_socket()
        return False

    def _is_alive(self) -> bool:
        identity = process.read_identity(self.folder)
        return identity is not None and identity.is_alive()


def _read_plan(path: Path) -> str:
    """Return what stands in *path*, "" where that is none of our files.

    Raises:
        FileNotFoundError: it is not there.
    """
    try:
        return read_regular(path, most=_LONGEST_PLAN).decode("utf-8")
    except FileNotFoundError:
        raise
    except (OSError, ValueError):
        return ""


def _next_number(above: Path) -> str:
    return str(1 + max((int(path.name) for path in above.glob("[0-9]*")), default=0))


def _end(folder: Path, grace: float) -> None:
    identity = process.read_identity(folder)
    if identity is None:
        return
    identity.send(signal.SIGTERM)
    deadline = time.monotonic() + grace + _LINGERING_SECONDS
    while identity.is_alive() and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    identity.kill()


def _read_status(folder: Path) -> int | None:
    try:
        return int(read_regular(folder / "status", most=_LONGEST_STATUS))
    except (OSError, ValueError):
        return None
