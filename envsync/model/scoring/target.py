"""The values of scoring: the script, its interpreter, requests and answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
    """The Python of an environment; *prefix* is None if it is not in a conda environment."""

    python: Path
    prefix: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoringTarget:
    """An entry script with everything that it needs; every path is absolute.

    Azure ML's relative paths start at *app_root*, the working directory of the script.
    """

    interpreter: Interpreter
    entry_script: Path
    app_root: Path
    model_dir: Path | None = None
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoringRequest:
    """The bytes of one request and their source."""

    source: str
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptFailure:
    """An exception of the entry script; *traceback* has the frames of the script only."""

    type: str
    message: str
    traceback: str
    line: int | None = None

    @property
    def summary(self) -> str:
        """The exception as in the last line of a traceback."""
        return f"{self.type}: {self.message}" if self.message else self.type


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The response to one request, and the reason if it is a failure.

    *reason* is empty for an answer of the script; otherwise it is `bad-request` (`run` was not
    called), `raised` or `not-json`. *milliseconds* is the time that `run` took.
    """

    source: str
    status: int
    body: bytes
    content_type: str = "application/json"
    milliseconds: float | None = None
    warnings: tuple[str, ...] = ()
    reason: str = ""
    message: str = ""
    failure: ScriptFailure | None = None
