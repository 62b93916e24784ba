"""`envsync serve --docker`: a container that lives as long as the command."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING

from envsync.workflow.service.container_making import check_port, make_container
from envsync.workflow.service.health import ask_health

if TYPE_CHECKING:
    from collections.abc import Callable

    from envsync.adapters.docker_engine import Containers
    from envsync.model.progress import Reporter
    from envsync.workflow.service.plan import ServicePlan

SERVING = "envsync.serving"  # the label of such containers: when they were made
_ABANDONED_SECONDS = 60
_LINGERING_SECONDS = 5
_PAUSE = 0.1  # seconds


def serve_container(
    plan: ServicePlan,
    *,
    reporter: Reporter,
    on_output: Callable[[bytes, bytes], None],
    on_ready: Callable[[int], None],
) -> int:
    """Serve *plan* in a container until it ends or this is interrupted; return its status.

    *on_output* gets what it prints (stdout, stderr), *on_ready* the port when it can answer. The
    container ends, and is removed, even if this process is killed.

    Raises:
        EnvsyncError: the container can't be made or started.
    """
    from envsync.adapters.docker_engine import connect_containers

    with connect_containers() as containers:
        _sweep(containers)
        made = make_container(
            plan,
            containers,
            reporter,
            name=f"envsync-serve-{os.urandom(4).hex()}",
            labels={SERVING: str(int(time.time()))},
            attached=True,
        )
        try:
            check_port(plan)
            return _run(containers, made.id, plan, on_output, on_ready)
        finally:
            containers.remove(made.id)


def _run(
    containers: Containers,
    container: str,
    plan: ServicePlan,
    on_output: Callable[[bytes, bytes], None],
    on_ready: Callable[[int], None],
) -> int:
    ended: list[int] = []
    failed: list[BaseException] = []
    is_over = threading.Event()

    def run() -> None:
        try:
            ended.append(containers.run_attached(container, on_output))
        except BaseException as error:  # noqa: BLE001  # raised below
            failed.append(error)
        finally:
            is_over.set()

    # Not joined: a join that Ctrl-C interrupts may take the thread for ended, before Python 3.13.
    threading.Thread(target=run, daemon=True).start()
    is_ready = False
    try:
        while not is_over.wait(_PAUSE):
            is_ready = is_ready or _tell_if_ready(containers, container, on_ready)
    except KeyboardInterrupt:
        containers.stop(container, grace=plan.options.grace + _LINGERING_SECONDS)
        is_over.wait(_LINGERING_SECONDS)
    if failed:
        raise failed[0]
    return ended[0] if ended else 1


def _tell_if_ready(containers: Containers, container: str, on_ready: Callable[[int], None]) -> bool:
    state = containers.find(container)
    port = state.published if state is not None and state.status == "running" else None
    if port is None or ask_health(port) != "ready":
        return False
    on_ready(port)
    return True


def _sweep(containers: Containers) -> None:
    """Remove containers of processes that were killed before they could start them."""
    for state in containers.list(SERVING):
        made_at = 0.0
        with contextlib.suppress(ValueError):
            made_at = float(state.labels[SERVING])
        if state.status == "created" and time.time() - made_at > _ABANDONED_SECONDS:
            containers.remove(state.id)
