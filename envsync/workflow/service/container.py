"""A service that is a container; its labels tell of it, and hold no variables."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from envsync.image.store.tar import END
from envsync.model.scoring.service import ServiceStatus
from envsync.prefix.location import find_home
from envsync.score.app_files import AppMember, link_path, list_links, list_source, version_of
from envsync.workflow.service.app_archive import dump_members
from envsync.workflow.service.container_making import APP_ROOT, ROOT, check_port, make_container
from envsync.workflow.service.folder import own_folders
from envsync.workflow.service.health import ask_health
from envsync.workflow.service.plan import ServicePlan, dump_plan, parse_plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envsync.adapters.docker_engine import Containers, ContainerState
    from envsync.model.progress import Reporter

SERVICE = "envsync.service"
_PLAN = "envsync.service.plan"
_HOME = "envsync.service.home"
_LINGERING_SECONDS = 5


class ContainerService:
    """One deployment: the container *found*, and what it was made from."""

    def __init__(self, containers: Containers, found: ContainerState, plan: ServicePlan) -> None:
        self._containers = containers
        self._id = found.id
        self.plan = plan

    @classmethod
    def list(cls, containers: Containers) -> tuple[ContainerService, ...]:
        """Return every service of the engine, by name; what is no service any more is left out."""
        return tuple(
            _from_labels(cls, containers, state)
            for state in containers.list(SERVICE)
            if state.name == _container_name(state.labels[SERVICE])
        )

    @classmethod
    def find(cls, name: str, containers: Containers) -> ContainerService | None:
        """Return the service *name*, None if the engine has none."""
        state = containers.find(_container_name(name))
        if state is None or state.labels.get(SERVICE) != name:
            return None
        return _from_labels(cls, containers, state)

    @classmethod
    def prepare(
        cls, plan: ServicePlan, containers: Containers, reporter: Reporter
    ) -> ContainerService:
        """Have the image, and a container of it with the files of *plan*; nothing is started.

        Raises:
            EnvsyncError: the image can't be made, or a file can't be read.
        """
        labels = {SERVICE: plan.name, _PLAN: dump_plan(plan), _HOME: _identify_home()}
        name = f"{_container_name(plan.name)}.{os.urandom(4).hex()}"
        made = make_container(plan, containers, reporter, name=name, labels=labels)
        return cls(containers, made, plan)

    @classmethod
    def sweep(cls, name: str, containers: Containers) -> bool:
        """Remove what processes that were killed have left of *name*; its lock has to be held.

        Return whether there was anything.
        """
        left_over = [one for one in containers.list(f"{SERVICE}={name}") if _is_left_over(one)]
        for state in left_over:
            containers.remove(state.id)
        return bool(left_over)

    @classmethod
    def list_left_over(cls, containers: Containers) -> frozenset[str]:
        """Return the names of which something may be left; it may also be about to be made."""
        states = containers.list(SERVICE)
        return frozenset(state.labels[SERVICE] for state in states if _is_left_over(state))

    def can_follow(self, before: object) -> bool:
        """Say whether this can take the port of *before* while that goes on: no container can."""
        del self, before
        return False

    def start(self, before: object = None) -> None:
        """Start the server; it may take a while until it can answer.

        Raises:
            EnvsyncError: the port is taken, or nothing can be started.
        """
        del before
        check_port(self.plan)
        self._containers.start(self._id)

    def stop(self) -> None:
        """Let the requests that are there end, and the server with them."""
        self._containers.stop(self._id, grace=self.plan.options.grace + _LINGERING_SECONDS)

    def status(self) -> ServiceStatus:
        """Return how it is at this moment."""
        state = self._containers.find(self._id)
        status = ServiceStatus(
            name=self.plan.name,
            kind="container",
            state="deleted",
            port=None,
            lock_digest=self.plan.lock_digest,
        )
        if state is None:
            return status
        status = replace(status, state="unknown", port=state.published)
        if state.status == "created":
            return replace(status, state="deploying")
        if state.status in ("exited", "dead", "restarting"):
            return replace(status, state="failed", exit_status=state.exit_status)
        if state.status != "running" or state.published is None:
            return status
        states = {"ready": "running", "loading": "deploying", "silent": "unknown"}
        return replace(status, state=states[ask_health(state.published)])  # type: ignore[arg-type]  # one of them

    def adopt(self) -> None:
        """Let this deployment be the one that counts, also after the engine was started again."""
        name = _container_name(self.plan.name)
        self._containers.keep_running(self._id)
        before = self._containers.find(name)
        if before is not None:
            self._containers.rename(before.id, f"{name}.{os.urandom(4).hex()}")
        self._containers.rename(self._id, name)

    def remove(self) -> None:
        """End it, and remove what there is of it."""
        self.stop()
        self._containers.remove(self._id)

    def bring_source(self) -> ContainerSource:
        """Lay the source out anew, beside what is used; see `ContainerSource`."""
        return ContainerSource(self._containers, self._id, self.plan)

    def read_log(self, tail: int | None = None) -> bytes:
        """Return what it printed, or the last *tail* lines of that."""
        return self._containers.read_log(self._id, tail=tail)

    def follow_log(self, tail: int | None = None) -> Iterator[bytes]:
        """Yield what it printed and what it prints, until it ends."""
        return self._containers.follow_log(self._id, tail=tail)


class ContainerSource:
    """New source of a service, used from `use` on, and no longer after `undo`."""

    def __init__(self, containers: Containers, container: str, plan: ServicePlan) -> None:
        self._containers = containers
        self._id = container
        self._files = plan.files
        state = containers.find(container)
        self._root = APP_ROOT if state is None else state.labels.get(ROOT, APP_ROOT)
        link = containers.read_link(container, f"{self._root}/{link_path(plan.files)}")
        self._old = version_of(link or "")
        self._version = str(time.time_ns())
        self._put(tuple(list_source(plan.files, self._version, own_folders())))

    def use(self) -> None:
        """Have the server load it; the old goes on until that is done."""
        self._put(list_links(self._files, self._version))
        self._containers.send(self._id, "SIGHUP")

    def undo(self) -> None:
        """Have what was there before be loaded from now on."""
        self._put(list_links(self._files, self._old))

    def _put(self, members: Iterable[AppMember]) -> None:
        self._containers.fill(self._id, chain(dump_members(self._root, members), (END,)))


def _from_labels(
    kind: type[ContainerService], containers: Containers, state: ContainerState
) -> ContainerService:
    plan = parse_plan(state.labels.get(_PLAN, ""), state.labels[SERVICE], "container")
    return kind(containers, state, plan)


def _is_left_over(state: ContainerState) -> bool:
    is_ours = state.labels.get(_HOME) == _identify_home()
    return is_ours and state.name != _container_name(state.labels[SERVICE])


def _container_name(service: str) -> str:
    return f"envsync-{service}"


def _identify_home() -> str:
    """Return what tells this home from those of other users and machines."""
    text = f"{platform.node()}\n{find_home().resolve()}"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
