"""Putting one deployment of a service in the place of the one before."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.remedy import advise
from envsync.workflow.service.health import ERROR_LINES, wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Callable

    from envsync.model.scoring.service import ServiceStatus
    from envsync.workflow.service.hosts import Deployed
    from envsync.workflow.service.plan import ServicePlan

WAIT_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How many *seconds* a service has to get ready; None doesn't wait. *on_wait* is called then.

    Who doesn't wait gets a service that may fail yet, and no longer has the one before.
    """

    seconds: float | None = WAIT_SECONDS
    on_wait: Callable[[], None] = lambda: None


def switch(
    before: Deployed | None,
    made: Deployed,
    patience: Patience,
    *,
    prepare: Callable[[ServicePlan], Deployed],
) -> ServiceStatus:
    """Start *made* in the place of *before*, which goes on until that can answer.

    It is only stopped earlier if it has the port, and can't pass it on; not before one more, that
    *prepare* makes, has shown on another port that the new one gets ready.
    """
    is_stopped = False
    try:
        follows = before is not None and made.can_follow(before)
        if before is not None and not follows and _share_port(before, made):
            _try_out(made.plan, before, patience, prepare)
            is_stopped = True
            before.stop()
        made.start(before if follows else None)
        status = wait_for(made, patience)
        made.adopt()
    except BaseException as error:
        made.remove()
        if before is not None and is_stopped:
            _start_again(before, patience)
        if before is not None and isinstance(error, EnvsyncError):
            goes_on = "the service goes on as it was before"
            hint = advise(goes_on, "; ", error.hint) if error.hint else goes_on
            raise EnvsyncError(error.message, hint=hint) from error
        raise
    if before is not None:
        before.remove()
    return status


def _try_out(
    plan: ServicePlan,
    before: Deployed,
    patience: Patience,
    prepare: Callable[[ServicePlan], Deployed],
) -> None:
    if patience.seconds is None or before.status().state != "running":
        return  # there is nothing to lose
    trial = prepare(replace(plan, options=replace(plan.options, port=0, debug_port=None)))
    try:
        trial.start()
        wait_for(trial, patience)
    finally:
        trial.remove()


def _share_port(before: Deployed, made: Deployed) -> bool:
    old, new = before.plan.options, made.plan.options
    is_debugged = new.debug_port is not None and new.debug_port == old.debug_port
    return is_debugged or before.status().port == new.port


def _start_again(service: Deployed, patience: Patience) -> None:
    service.start()
    with contextlib.suppress(EnvsyncError):  # it may have failed before, too
        wait_for(service, patience)


def wait_for(service: Deployed, patience: Patience) -> ServiceStatus:
    """Return how *service* is once it can answer, or now if nobody waits.

    Raises:
        EnvsyncError: its script can't be loaded.
    """
    if patience.seconds is None:
        return service.status()
    return wait_until_ready(
        service.status,
        lambda: service.read_log(ERROR_LINES),
        seconds=patience.seconds,
        on_wait=patience.on_wait,
    )
