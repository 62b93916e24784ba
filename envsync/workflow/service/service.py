"""The story of services: deployed, listed, read, brought up to date, deleted."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.files import lock_directory
from envsync.model.scoring.service import check_service_name
from envsync.model.text.wording import suggest
from envsync.workflow.service.folder import LOCKS, close_deployment, make_private, open_services
from envsync.workflow.service.health import (
    ERROR_LINES,
    SETTLING_SECONDS,
    Loads,
    count_loads,
    failed_to_load,
    failed_to_start,
    pauses,
)
from envsync.workflow.service.hosts import Hosts
from envsync.workflow.service.plan import refresh
from envsync.workflow.service.switch import Patience, switch, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from envsync.model.progress import Reporter
    from envsync.model.scoring.service import ServiceStatus
    from envsync.workflow.service.hosts import Deployed
    from envsync.workflow.service.plan import ServicePlan, SourcePermission

__all__ = ["Patience"]  # callers name it beside the functions that take it

_HAS_ENDED = ("failed", "deleted")


def deploy(
    plan: ServicePlan, *, reporter: Reporter, patience: Patience, same_definition: bool = False
) -> ServiceStatus:
    """Make the service that *plan* describes, in the place of one of that name.

    The one before goes on until the new one is made, and again if that can't be started. With
    *same_definition* one from another definition is not replaced.

    Raises:
        EnvsyncError: it can't be made, or its script can't be loaded; nothing of it is left.
    """
    check_service_name(plan.name)
    with _held(plan.name) as hosts:
        before = hosts.find(plan.name)
        if same_definition and before is not None and before.plan.origin != plan.origin:
            raise EnvsyncError(
                f"The service `{plan.name}` serves `{before.plan.origin}`",
                hint="choose another name with `--service-name`, or delete it first: "
                f"`envsync service delete {plan.name}`",
            )
        hosts.sweep(plan.name)
        made = hosts.prepare(plan, reporter)
        return switch(before, made, patience, prepare=lambda trial: hosts.prepare(trial, reporter))


def update(
    name: str,
    change: Callable[[ServicePlan], ServicePlan],
    *,
    reporter: Reporter,
    patience: Patience,
) -> ServiceStatus:
    """Make the service *name* anew, as *change* makes its plan, with what its files say by now.

    Raises:
        EnvsyncError: there is none, or the new one can't be made; the old one then goes on.
    """
    with _held(name) as hosts:
        before = _get_whole(name, hosts)
        hosts.sweep(name)
        made = hosts.prepare(refresh(change(before.plan)), reporter)
        return switch(before, made, patience, prepare=lambda trial: hosts.prepare(trial, reporter))


def reload(
    name: str, *, patience: Patience, permission: SourcePermission | None = None
) -> ServiceStatus:
    """Have the service *name* load its source again; the old goes on until the new is loaded.

    *permission* says what of the source is copied this once besides what its plan allows.

    Raises:
        EnvsyncError: there is none, or the new source can't be loaded; the old then goes on.
    """
    with _held(name) as hosts:
        service = _get_whole(name, hosts)
        status = service.status()
        loads = count_loads(status.port) if status.port is not None else None
        if permission is not None:
            service.plan = replace(service.plan, files=permission.give(service.plan.files))
        source = service.bring_source()
        source.use()
        try:
            if loads is None or status.state in _HAS_ENDED:
                service.stop()
                service.start()
                return wait_for(service, patience)
            return _wait_for_load(service, loads, patience)
        except BaseException:
            source.undo()
            raise


def list_services() -> tuple[ServiceStatus, ...]:
    """Return how every service is, by name: processes of this home, and containers.

    What killed processes have left of services that they were about to make is removed, and a
    service that they had stopped to replace it is started again.
    """
    with _hosts() as hosts:
        left_over = hosts.list_left_over()
    for name in left_over:
        with contextlib.suppress(BlockingIOError), _held(name, waits=False) as hosts:
            if hosts.sweep(name):
                _revive(name, hosts)
    with _hosts() as hosts:
        return tuple(service.status() for service in hosts.list())


def _revive(name: str, hosts: Hosts) -> None:
    service = hosts.find(name)
    if service is not None and service.status().state == "failed":
        with contextlib.suppress(EnvsyncError):  # it is told as failed, then
            service.start()


def find(name: str) -> ServiceStatus:
    """Return how the service *name* is.

    Raises:
        EnvsyncError: there is none.
    """
    with _hosts() as hosts:
        return _get(name, hosts).status()


def find_plan(name: str) -> ServicePlan:
    """Return what the service *name* was made from.

    Raises:
        EnvsyncError: there is none.
    """
    with _hosts() as hosts:
        return _get_whole(name, hosts).plan


def wait(name: str, patience: Patience) -> ServiceStatus:
    """Return how the service *name* is once it can answer.

    Raises:
        EnvsyncError: there is none, or its script can't be loaded.
    """
    with _hosts() as hosts:
        return wait_for(_get(name, hosts), patience)


def read_log(name: str, *, tail: int | None = None) -> bytes:
    """Return what the service *name* printed, or the last *tail* lines of that.

    Raises:
        EnvsyncError: there is none.
    """
    with _hosts() as hosts:
        return _get(name, hosts).read_log(tail)


def follow_log(name: str, *, tail: int | None = None) -> Iterator[bytes]:
    """Yield what the service *name* printed and what it prints, until it ends.

    Raises:
        EnvsyncError: there is none.
    """
    with _hosts() as hosts:
        yield from _get(name, hosts).follow_log(tail)


def delete(name: str) -> None:
    """End the service *name*, and remove what there is of it.

    Raises:
        EnvsyncError: there is none.
    """
    with _held(name) as hosts:
        _get(name, hosts).remove()
        hosts.sweep(name)


def _wait_for_load(service: Deployed, before: Loads, patience: Patience) -> ServiceStatus:
    status = service.status()
    if patience.seconds is None:
        return status
    for _ in pauses(patience.seconds):
        patience.on_wait()
        now = count_loads(status.port) if status.port is not None else None
        if now is not None and now.failed > before.failed:
            time.sleep(SETTLING_SECONDS)  # engines write down what was printed a little later
            raise failed_to_load(status, service.read_log(ERROR_LINES))
        if now is not None and now.loaded > before.loaded:
            return service.status()
        status = service.status()
        if status.state in _HAS_ENDED:
            raise failed_to_start(status, service.read_log(ERROR_LINES))
    raise EnvsyncError(
        f"The new source of `{status.name}` is not loaded after {patience.seconds:g} s",
        hint="the old one goes on; let it load longer: `--wait SECONDS`",
    )


def _get_whole(name: str, hosts: Hosts) -> Deployed:
    service = _get(name, hosts)
    if service.plan.problem is not None:
        raise service.plan.problem
    return service


def _get(name: str, hosts: Hosts) -> Deployed:
    service = hosts.find(name)
    if service is None:
        near = suggest(name, (one.plan.name for one in hosts.list()))
        hint = near or "`envsync service list` shows those there are"
        if hosts.failure is not None and not near:
            hint = f"it may be a container, but: {hosts.failure.message}"
        raise EnvsyncError(f"There is no service `{name}`", hint=hint)
    return service


@contextlib.contextmanager
def _hosts() -> Iterator[Hosts]:
    with contextlib.ExitStack() as stack:
        yield Hosts(stack)


@contextlib.contextmanager
def _held(name: str, *, waits: bool = True) -> Iterator[Hosts]:
    """Keep other processes from changing the service *name*."""
    check_service_name(name)
    folder = open_services() / LOCKS / name
    make_private(folder.parent)
    make_private(folder)
    with lock_directory(folder, waits=waits), _hosts() as hosts:
        close_deployment(folder)
        yield hosts
