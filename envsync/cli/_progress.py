"""Progress: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
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
    if not stream.isatty():
        yield _LineReporter(stream)
        return
    from rich import progress as bars  # noqa: PLC0415  # takes time, and only terminals need it
    from rich.console import Console  # noqa: PLC0415

    with bars.Progress(
        bars.SpinnerColumn(),
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeElapsedColumn(),
        console=Console(file=stream),
        transient=True,
    ) as progress:
        yield _BarReporter(progress)


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
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[int, TaskID] = {}  # what each thread is at

    def step(self, text: str, *, total: int | None = None) -> None:
        earlier = self._tasks.pop(threading.get_ident(), None)
        if earlier is not None:
            self._progress.remove_task(earlier)
        self._tasks[threading.get_ident()] = self._progress.add_task(text, total=total)

    def advance(self) -> None:
        for task in list(self._tasks.values())[-1:]:
            self._progress.advance(task)

    def note(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)
