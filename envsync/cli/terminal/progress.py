"""Progress: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress, TaskID

    from envsync.model.progress import Reporter


@contextlib.contextmanager
def report_progress() -> Iterator[Reporter]:
    """Give a reporter that suits stderr; what it showed as running is gone at the end."""
    stream = sys.stderr
    if not stream.isatty() or os.environ.get("TERM") in {"dumb", "unknown"}:
        yield _LineReporter(stream)
        return
    reporter = _BarReporter(stream)
    try:
        yield reporter
    finally:
        reporter.stop()


class _LineReporter:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def step(self, text: str, *, total: int | None = None) -> None:
        count = f" ({total})" if total is not None else ""
        click.echo(f"{text}{count}", file=self._stream)

    def advance(self) -> None:
        """Say nothing: a line for each package would bury the rest."""

    def note(self, text: str) -> None:
        click.echo(text, file=self._stream)


class _BarReporter:
    """Shows a bar for each thread that is at something; the first of them brings rich in."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._progress: Progress | None = None
        self._tasks: dict[int, TaskID] = {}
        self._guard = threading.Lock()

    def step(self, text: str, *, total: int | None = None) -> None:
        with self._guard:
            if self._progress is None:
                self._progress = _start_bars(self._stream)
            earlier = self._tasks.pop(threading.get_ident(), None)
            if earlier is not None:
                self._progress.remove_task(earlier)
            count = "" if total is None else f"({total})"
            task = self._progress.add_task(f"{text} {count}".strip(), total=total)
            self._tasks[threading.get_ident()] = task

    def advance(self) -> None:
        if self._progress is not None:
            for task in list(self._tasks.values())[-1:]:
                self._progress.advance(task)

    def note(self, text: str) -> None:
        if self._progress is None:
            click.echo(text, file=self._stream)
        else:
            self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def stop(self) -> None:
        """Take the bars away."""
        if self._progress is not None:
            self._progress.stop()


def _start_bars(stream: TextIO) -> Progress:
    from rich import progress as bars  # noqa: PLC0415  # a tenth of a second, for terminals only
    from rich.console import Console  # noqa: PLC0415

    progress = bars.Progress(
        bars.SpinnerColumn(),
        bars.TextColumn("{task.description}", markup=False),
        bars.BarColumn(bar_width=30),
        bars.TimeElapsedColumn(),
        console=Console(file=stream),
        transient=True,
    )
    progress.start()
    return progress
