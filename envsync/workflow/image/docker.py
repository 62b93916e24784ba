"""The Docker Engine of this machine, for stories that may do without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from contextlib import ExitStack

    from envsync.adapters.docker_engine import DockerEngine


class LazyDocker:
    """The engine of this machine: connected to when it is first asked for, until *stack* ends."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self._engine: DockerEngine | None = None

    def get(self) -> DockerEngine:
        """Return the engine.

        Raises:
            EnvsyncError: none answers.
        """
        from envsync.adapters.docker_engine import connect

        if self._engine is None:
            self._engine = self.stack.enter_context(connect())
        return self._engine

    def find(self) -> DockerEngine | None:
        """Return the engine, None where none answers."""
        try:
            return self.get()
        except EnvsyncError:
            return None
