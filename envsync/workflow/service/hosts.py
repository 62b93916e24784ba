"""Where services are: in this home, and in the engine, which is asked when it is needed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from envsync.errors import EnvsyncError
from envsync.model.scoring.service import is_service_name
from envsync.workflow.service.process import ProcessService

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

    from envsync.adapters.docker_engine import Containers
    from envsync.model.progress import Reporter
    from envsync.model.scoring.service import ServiceStatus
    from envsync.workflow.service.plan import ServicePlan

_SOCKET = Path("/var/run/docker.sock")


class Source(Protocol):
    """Brings new source into use."""

    def use(self) -> None:
        """Have the server load it; the old goes on until that is done."""

    def undo(self) -> None:
        """Have what was there before be loaded from now on."""


class Deployed(Protocol):
    """One deployment of a service, a process or a container."""

    plan: ServicePlan

    def can_follow(self, before: object) -> bool:
        """Say whether this can take the port of *before* while that goes on."""

    def start(self, before: object = None) -> None:
        """Start the server, in the place of *before* if it can follow that.

        It may take a while until it can answer.
        """

    def stop(self) -> None:
        """Let the requests that are there end, and the server with them."""

    def status(self) -> ServiceStatus:
        """Return how it is at this moment."""

    def adopt(self) -> None:
        """Let this deployment be the one that counts."""

    def remove(self) -> None:
        """End it, and remove what there is of it."""

    def bring_source(self) -> Source:
        """Lay the source out anew, beside what is used."""

    def read_log(self, tail: int | None = None) -> bytes:
        """Return what it printed, or the last *tail* lines of that."""

    def follow_log(self, tail: int | None = None) -> Iterator[bytes]:
        """Yield what it printed and what it prints, until it ends."""


class Hosts:
    """Processes and containers; the engine is connected to when it is needed, until *stack* ends.

    *failure* is why the engine could not be asked.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._containers: Containers | None = None
        self.failure: EnvsyncError | None = None

    def get_containers(self) -> Containers:
        """Return the containers of the engine.

        Raises:
            EnvsyncError: no engine answers.
        """
        from envsync.adapters.docker_engine import connect_containers

        if self._containers is None:
            self._containers = self._stack.enter_context(connect_containers())
        return self._containers

    def list(self) -> tuple[Deployed, ...]:
        """Return every service there is."""
        found: list[Deployed] = list(ProcessService.list())
        containers = self._try_containers()
        if containers is not None:
            from envsync.workflow.service.container import ContainerService

            found += ContainerService.list(containers)
        return tuple(sorted(found, key=lambda service: service.plan.name))

    def find(self, name: str) -> Deployed | None:
        """Return the service *name*, None if there is none that can be seen."""
        if not is_service_name(name):
            return None  # and no path, and no request to the engine, is made of it
        found = ProcessService.find(name)
        containers = self._try_containers() if found is None else None
        if containers is None:
            return found
        from envsync.workflow.service.container import ContainerService

        return ContainerService.find(name, containers)

    def prepare(self, plan: ServicePlan, reporter: Reporter) -> Deployed:
        """Make what *plan* says; nothing is started.

        Raises:
            EnvsyncError: it can't be made.
        """
        if plan.kind == "process":
            return ProcessService.prepare(plan)
        from envsync.workflow.service.container import ContainerService

        return ContainerService.prepare(plan, self.get_containers(), reporter)

    def list_left_over(self) -> frozenset[str]:
        """Return the names of which killed processes may have left something."""
        containers = self._try_containers()
        if containers is None:
            return ProcessService.list_left_over()
        from envsync.workflow.service.container import ContainerService

        return ProcessService.list_left_over() | ContainerService.list_left_over(containers)

    def sweep(self, name: str) -> bool:
        """Remove what killed processes have left of *name*; its lock has to be held.

        Return whether there was anything.
        """
        found = ProcessService.sweep(name)
        containers = self._try_containers()
        if containers is not None:
            from envsync.workflow.service.container import ContainerService

            found = ContainerService.sweep(name, containers) or found
        return found

    def _try_containers(self) -> Containers | None:
        """Return the containers of the engine, None where there is none, or it doesn't answer."""
        if self.failure is not None or not (os.environ.get("DOCKER_HOST") or _SOCKET.exists()):
            return None
        try:
            return self.get_containers()
        except EnvsyncError as error:
            self.failure = error
            return None
