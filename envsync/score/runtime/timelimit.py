"""The time that one `run()` may take."""

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VARIABLE = "SCORING_TIMEOUT_MS"
_DEFAULT = 3600000


class ScoringTimeoutError(TimeoutError):
    """Raised inside `run()` when its time is over."""


def limit_in_milliseconds() -> int:
    """Return the limit that the environment sets; an hour where it sets none that makes sense."""
    try:
        limit = int(os.environ.get(VARIABLE, _DEFAULT))
    except ValueError:
        return _DEFAULT
    return limit if limit > 0 else _DEFAULT


class TimeLimit:
    """A context in which an alarm goes off after *milliseconds*.

    *passed* stays true if the script swallowed the exception. Where there are no alarms
    (Windows), nothing interrupts `run()`; the supervisor's own limit still holds.
    """

    def __init__(self, milliseconds: int) -> None:
        self.milliseconds = milliseconds
        self.passed = False
        self._has_alarms = hasattr(signal, "setitimer")

    def __enter__(self) -> None:
        self.passed = False
        if self._has_alarms:
            signal.signal(signal.SIGALRM, self._raise)
            signal.setitimer(signal.ITIMER_REAL, self.milliseconds / 1000.0)

    def __exit__(self, *_: object) -> None:
        if self._has_alarms:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _raise(self, *_: "Any") -> None:
        self.passed = True
        message = "the scoring timeout of {} ms is over".format(self.milliseconds)
        raise ScoringTimeoutError(message)
