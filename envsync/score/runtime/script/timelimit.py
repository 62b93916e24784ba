"""The time that one `run()` may take."""

import os
import signal

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
    """A context in which an alarm may go off, after *milliseconds*.

    With *is_alone* it sets the alarm itself; else a supervisor sends it, which costs nothing per
    request. *passed* stays true if the script swallowed the exception. Where there are no alarms
    (Windows), nothing interrupts `run()`; a supervisor's own limit still holds.
    """

    def __init__(self, milliseconds: int, *, is_alone: bool) -> None:
        self.milliseconds = milliseconds
        self.passed = False
        self._is_running = False
        self._sets_alarm = is_alone and hasattr(signal, "setitimer")
        if hasattr(signal, "SIGALRM"):
            signal.signal(signal.SIGALRM, self._raise)

    def __enter__(self) -> None:
        self.passed = False
        self._is_running = True
        if self._sets_alarm:
            signal.setitimer(signal.ITIMER_REAL, self.milliseconds / 1000.0)

    def __exit__(self, *_: object) -> None:
        self._is_running = False
        if self._sets_alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _raise(self, *_: object) -> None:
        if self._is_running:
            self.passed = True
            message = "the scoring timeout of {} ms is over".format(self.milliseconds)
            raise ScoringTimeoutError(message)
