"""Whole processes, timed against each other in turn, so that a noisy machine disturbs both."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, kw_only=True)
class Command:
    """A process to time; *prepare* runs before each run and is not timed."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    prepare: Callable[[], object] | None = None


def compare(floor: Command, *others: Command, runs: int = 9) -> list[str]:
    """Time the commands in turn; return a Markdown table of medians and ratios to *floor*."""
    commands = (floor, *others)
    seconds: dict[str, list[float]] = {command.name: [] for command in commands}
    for turn in range(runs + 1):
        for command in commands:
            taken = _time(command)
            if turn:  # the first turn warms caches and compiles modules
                seconds[command.name].append(taken)
    least = statistics.median(seconds[floor.name])
    rows = ["| command | median | ratio |", "| --- | --- | --- |"]
    for command in commands:
        median = statistics.median(seconds[command.name])
        rows.append(f"| {command.name} | {median * 1000:.0f} ms | {median / least:.2f} |")
    return rows


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment with *changes*, and with bytecode written."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **changes}


def _time(command: Command) -> float:
    if command.prepare is not None:
        command.prepare()
    start = time.perf_counter()
    subprocess.run(
        command.arguments,
        env=dict(command.environment),
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - start
