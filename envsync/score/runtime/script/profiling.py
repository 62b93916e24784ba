"""Where import, `init` and `run` spent their time."""

import cProfile
import sys
import time

from ..protocol.home import is_own_frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_MOST_LINES = 10


class Profile:
    """Measures what it wraps, phase by phase."""

    def __init__(self) -> None:
        self._profilers = {}  # type: dict[str, cProfile.Profile]
        self._seconds = {}  # type: dict[str, list[float]]

    def wrap(self, phase: str, function: "Callable[..., Any]") -> "Callable[..., Any]":
        """Return *function*, its calls counted to *phase*."""
        profiler = self._profilers.setdefault(phase, cProfile.Profile())
        seconds = []  # type: list[float]

        def measured(*arguments: "Any", **named: "Any") -> "Any":
            self._seconds.setdefault(phase, seconds)  # phases are reported as they came
            started = time.perf_counter()
            profiler.enable()
            try:
                return function(*arguments, **named)
            finally:
                profiler.disable()
                seconds.append(time.perf_counter() - started)

        return measured

    def report(self) -> None:
        """Write what was measured to stderr."""
        for phase, seconds in self._seconds.items():
            mean = sum(seconds) / len(seconds) * 1000
            sys.stderr.write(
                "{}: {:.1f} ms, {} call{}, {:.3f} ms each\n".format(
                    phase, sum(seconds) * 1000, len(seconds), "s"[: len(seconds) - 1], mean
                )
            )
            for line in self._lines(phase):
                sys.stderr.write(line + "\n")

    def _lines(self, phase: str) -> "list[str]":
        """Return the slowest modules of the import, or functions of another phase."""
        import pstats  # noqa: PLC0415  # slow, and only needed at the end

        stats = pstats.Stats(self._profilers[phase]).stats  # type: ignore[attr-defined]  # it is there
        is_import = phase == "import"
        rows = []
        for (path, line, name), (_, calls, own, cumulative, _) in stats.items():
            if is_own_frame(path) or (is_import and name != "<module>"):
                continue
            place = path if name == "<module>" else "{} ({}:{})".format(name, path, line)
            rows.append((cumulative if is_import else own, calls, place))
        rows.sort(key=lambda row: -row[0])
        return [
            "  {:9.3f} ms {:6d}  {}".format(seconds * 1000, calls, place)
            for seconds, calls, place in rows[:_MOST_LINES]
        ]
