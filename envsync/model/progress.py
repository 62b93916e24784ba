"""How a long piece of work tells that it moves."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    """Hears of steps, and of items done within the current step."""

    def step(self, text: str, *, total: int | None = None) -> None:
        """Begin a step called *text*, of *total* items where that is known."""

    def advance(self) -> None:
        """One more item of the current step is done."""

    def note(self, text: str) -> None:
        """Say something that the reader should see, whatever step is running."""


class NamedReporter:
    """Passes on what it hears with *name* before it, where several share one reader."""

    def __init__(self, name: str, reporter: Reporter) -> None:
        self._name = name
        self._reporter = reporter

    def step(self, text: str, *, total: int | None = None) -> None:
        """Pass on whose step begins."""
        self._reporter.step(f"{self._name}: {text}", total=total)

    def advance(self) -> None:
        """Pass it on."""
        self._reporter.advance()

    def note(self, text: str) -> None:
        """Pass on whose note it is."""
        self._reporter.note(f"{self._name}: {text}")


class SilentReporter:
    """Hears, and says nothing."""

    def step(self, text: str, *, total: int | None = None) -> None:
        """Say nothing."""

    def advance(self) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""
