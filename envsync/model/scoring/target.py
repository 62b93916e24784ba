"""What is scored, in which interpreter, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
    """The Python of an environment; *prefix* is None where it is in no conda environment."""

    python: Path
    prefix: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoringTarget:
    """An entry script with all that it needs; every path is absolute.

    *app_root* is where Azure ML's relative paths start, and the working directory of the script.
    """

    interpreter: Interpreter
    entry_script: Path
    app_root: Path
    model_dir: Path | None = None
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoringRequest:
    """The bytes of one request, and where they are from."""

    source: str
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptFailure:
    """An exception of the entry script's; *traceback* holds the script's frames, not ours."""

    type: str
    message: str
    traceback: str
    line: int | None = None

    @property
    def summary(self) -> str:
        """The exception as Python's last line has it."""
        return f"{self.type}: {self.message}" if self.message else self.type


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came of one request: what the server would send, and why if it is a failure.

    *reason* is empty for an answer of the script's; else it is `bad-request` (not for `run` at
    all), `raised` or `not-json`. *milliseconds* is the time that `run` took.
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
