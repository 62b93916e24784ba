"""Report the progress of long tasks."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    """Receives steps, and the items done within the current step."""

    def step(self, text: str, *, total: int | None = None) -> None:
        """Begin the step *text*, of *total* items if that is known."""

    def advance(self) -> None:
        """Count one more item of the current step as done."""

    def note(self, text: str) -> None:
        """Show *text*, whatever step is running."""


class NamedReporter:
    """Puts *name* before each text, for tasks that share a reporter."""

    def __init__(self, name: str, reporter: Reporter) -> None:
        self._name = name
        self._reporter = reporter

    def step(self, text: str, *, total: int | None = None) -> None:
        """Begin a step with the name before it."""
        self._reporter.step(f"{self._name}: {text}", total=total)

    def advance(self) -> None:
        """Count one more item as done."""
        self._reporter.advance()

    def note(self, text: str) -> None:
        """Show *text* with the name before it."""
        self._reporter.note(f"{self._name}: {text}")


class SilentReporter:
    """Ignores all progress."""

    def step(self, text: str, *, total: int | None = None) -> None:
        """Do nothing."""

    def advance(self) -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""
