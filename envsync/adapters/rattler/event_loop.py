"""A thread with an event loop, for an engine that is asynchronous."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, TypeVar

from envsync.adapters.rattler.failure import first_line
from envsync.adapters.rattler.patience import watch
from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from envsync.adapters.rattler.patience import Patience

_Result = TypeVar("_Result")


def run(start: Callable[[], Coroutine[Any, Any, _Result]], patience: Patience) -> _Result:
    """Run a coroutine in a thread of its own, so that a caller's event loop is no obstacle.

    Raises:
        Stalled: servers sent nothing for as long as *patience* bears.
    """
    outcome: list[_Result] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(asyncio.run(watch(start(), patience)))
        except BaseException as error:  # noqa: BLE001  # a Rust panic is a BaseException
            failure.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join()
    if not failure:
        return outcome[0]
    error = failure[0]
    if type(error).__name__ == "PanicException":
        raise EnvsyncError(f"rattler gave up: {first_line(error)}") from error
    raise error
