"""Errors and findings, with what is wrong and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from envsync.remedy import Hint, say

if TYPE_CHECKING:
    from collections.abc import Sequence


class EnvsyncError(Exception):
    """A failure that the user can act on; *hint* says what to do.

    A hint with a command or an option is a `Remedy`, which the command line and the SDK word
    differently. `str` returns both message and hint, for tracebacks.
    """

    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: Hint | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return _join(self.message, self.hint)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One problem in a file, with its place.

    *line* and *column* count from 1. *key_path* is written as in `dependencies[3].pip[1]`. A
    secret value never appears in *message*. *rule* is the kind of finding, by which `validate`
    lists it.
    """

    file: str
    message: str
    hint: Hint | None = None
    key_path: str = ""
    line: int | None = None
    column: int | None = None
    rule: str = "definition"

    @property
    def text(self) -> str:
        """The finding on one line: file, line, key path, message."""
        place = f"`{self.file}`" + (f":{self.line}" if self.line is not None else "")
        path = f" {self.key_path}:" if self.key_path else ""
        return f"{place}:{path} {self.message}"


class DefinitionError(EnvsyncError):
    """A definition or an argument is wrong; the error has every finding."""

    exit_status = 2

    def __init__(
        self, message: str, *, hint: Hint | None = None, findings: Sequence[Finding] = ()
    ) -> None:
        super().__init__(message, hint=hint)
        self.findings = tuple(findings)

    def __str__(self) -> str:
        lines = [_join(finding.text, finding.hint) for finding in self.findings]
        return "\n".join(lines) or super().__str__()

    @classmethod
    def from_findings(cls, findings: Sequence[Finding]) -> DefinitionError:
        """Return one error with all *findings*, at least one."""
        first = findings[0]
        return cls(first.text, hint=first.hint, findings=findings)


class StaleLockError(EnvsyncError):
    """The lockfile is out of date."""


class UnsatisfiableError(EnvsyncError):
    """No set of packages satisfies the definition; *reasons* are lines that explain why."""

    def __init__(
        self, message: str, *, reasons: Sequence[str] = (), hint: Hint | None = None
    ) -> None:
        super().__init__("\n".join((message, *(f"  {line}" for line in reasons))), hint=hint)
        self.reasons = tuple(reasons)


def _join(message: str, hint: Hint | None) -> str:
    return f"{message}\nHint: {say(hint)}" if hint else message
