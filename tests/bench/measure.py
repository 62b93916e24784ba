"""Whole processes, timed against each other in turn, so that a noisy machine disturbs both."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SHARED = Path(__file__).resolve().parents[3] / "shared"
ENVSYNC = str(Path(sys.executable).with_name("envsync"))


@dataclass(frozen=True, kw_only=True)
class Command:
    """A process to time; *prepare* runs before each run and is not timed.

    With *reports_seconds* it prints what the part that counts took: clock, then processors.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    prepare: Callable[[], object] | None = None
    folder: Path | None = None
    reports_seconds: bool = False


class Taken(NamedTuple):
    """What a run took: seconds on the clock, and of the processors, its children's with them."""

    wall: float
    cpu: float


def compare(floor: Command, *others: Command, runs: int = 9) -> list[str]:
    """Time the commands in turn; return a Markdown table of times, and ratios to *floor*.

    Other work on the machine adds to the median more than to the minimum, and least to the time
    of the processors.
    """
    taken = time_in_turn((floor, *others), runs=runs)
    base = taken[0]
    rows = [
        "| command | median | minimum | CPU | ratio of medians | of minima | of CPU |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for command, runs_of_it in zip((floor, *others), taken, strict=True):
        figures = _summarise(runs_of_it)
        ratios = [
            f"{one / other:.2f}" for one, other in zip(figures, _summarise(base), strict=True)
        ]
        shown = [f"{figure * 1000:.0f} ms" for figure in figures]
        rows.append(f"| {' | '.join((command.name, *shown, *ratios))} |")
    return rows


def time_in_turn(commands: Sequence[Command], *, runs: int = 9) -> list[list[Taken]]:
    """Run each command once to warm caches, then all of them in turn, *runs* times."""
    for command in commands:
        _time(command)
    taken: list[list[Taken]] = [[] for _ in commands]
    for _ in range(runs):
        for command, list_of_it in zip(commands, taken, strict=True):
            list_of_it.append(_time(command))
    return taken


def median(taken: Sequence[Taken]) -> float:
    """Return the median of the seconds on the clock."""
    return statistics.median(each.wall for each in taken)


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment with *changes*, and with bytecode written."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **changes}


def require(path: Path) -> Path:
    """Return *path*; where it is not there, say so and end: there is nothing to measure."""
    if not path.exists():
        print(f"Skipped: it needs `{path}`")
        sys.exit(0)
    return path


def _summarise(taken: Sequence[Taken]) -> tuple[float, float, float]:
    walls = [each.wall for each in taken]
    return statistics.median(walls), min(walls), statistics.median(each.cpu for each in taken)


def _time(command: Command) -> Taken:
    if command.prepare is not None:
        command.prepare()
    before = _cpu_of_children()
    start = time.perf_counter()
    child = subprocess.Popen(
        command.arguments,
        env=dict(command.environment),
        cwd=command.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    printed, told = child.communicate()
    wall = time.perf_counter() - start
    if child.returncode != 0:
        sys.exit(f"{command.name} ended with status {child.returncode}:\n{told.decode()}")
    if command.reports_seconds:
        return Taken(*map(float, printed.split()[-2:]))
    return Taken(wall, _cpu_of_children() - before)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
