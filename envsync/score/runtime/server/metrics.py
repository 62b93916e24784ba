"""Counters in the text format of Prometheus."""

import bisect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class Metrics:
    """What was answered, and how long `run` and the whole answer took."""

    def __init__(self) -> None:
        self._answers = {}  # type: dict[tuple[str, int], int]
        self._run = Histogram()
        self._whole = Histogram()

    def note(self, route: str, status: int, seconds: float, run_seconds: "float | None") -> None:
        """Count an answer of *route*."""
        key = (route, status)
        self._answers[key] = self._answers.get(key, 0) + 1
        if route == "/score":
            self._whole.note(seconds)
            if run_seconds is not None:
                self._run.note(run_seconds)

    def text(self, gauges: "Mapping[str, float]") -> str:
        """Return everything counted, with *gauges* as they are now."""
        lines = [
            "# HELP envsync_requests_total Answers by route and status.",
            "# TYPE envsync_requests_total counter",
        ]
        for (route, status), count in sorted(self._answers.items()):
            labels = 'route="{}",status="{}"'.format(route, status)
            lines.append("envsync_requests_total{{{}}} {}".format(labels, count))
        lines += self._run.lines("envsync_run_seconds", "Time that run() took.")
        lines += self._whole.lines("envsync_request_seconds", "Time from request to answer.")
        for name, value in sorted(gauges.items()):
            kind = "counter" if name.endswith("_total") else "gauge"
            lines += ["# TYPE {} {}".format(name, kind), "{} {}".format(name, value)]
        return "\n".join(lines) + "\n"


class Histogram:
    """Durations by size."""

    def __init__(self) -> None:
        self._counts = [0] * (len(_BUCKETS) + 1)
        self._sum = 0.0

    def note(self, seconds: float) -> None:
        """Count one duration."""
        self._counts[bisect.bisect_left(_BUCKETS, seconds)] += 1
        self._sum += seconds

    def lines(self, name: str, text: str) -> "list[str]":
        """Return the histogram *name*, explained by *text*."""
        found = ["# HELP {} {}".format(name, text), "# TYPE {} histogram".format(name)]
        total = 0
        for bound, count in zip((*_BUCKETS, "+Inf"), self._counts):
            total += count
            found.append('{}_bucket{{le="{}"}} {}'.format(name, bound, total))
        found += ["{}_sum {}".format(name, self._sum), "{}_count {}".format(name, total)]
        return found
