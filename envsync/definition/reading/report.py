"""What is found in one file while it is read: nothing stops at the first fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from envsync.errors import Finding
from envsync.model.text.redaction import shorten

if TYPE_CHECKING:
    from envsync.remedy import Hint
    from envsync.yamlio import Node


MOST_FINDINGS = 200


class Place(NamedTuple):
    """A line and a column, counted from 1."""

    line: int
    column: int


class Report:
    """The findings of one file, *file* being its name as the user would type it.

    Beyond *MOST_FINDINGS* of a kind, one more says that there are more.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []

    def error(
        self,
        path: str,
        message: str,
        *,
        rule: str = "definition",
        hint: Hint | None = None,
        at: Place | Node | None = None,
    ) -> None:
        """Add what makes the file unusable, at key path *path*."""
        self._add(self.errors, self._locate(at, path, message, rule=rule, hint=hint))

    def warn(
        self,
        path: str,
        message: str,
        *,
        rule: str = "definition",
        hint: Hint | None = None,
        at: Place | Node | None = None,
    ) -> None:
        """Add what its author should know, at key path *path*."""
        self._add(self.warnings, self._locate(at, path, message, rule=rule, hint=hint))

    @property
    def is_full(self) -> bool:
        """Tell whether further warnings would be left out."""
        return len(self.warnings) > MOST_FINDINGS

    def _add(self, findings: list[Finding], finding: Finding) -> None:
        if len(findings) == MOST_FINDINGS:
            finding = Finding(file=self.file, message="there is more like this", line=finding.line)
        if len(findings) <= MOST_FINDINGS:
            findings.append(finding)

    def _locate(
        self, at: Place | Node | None, path: str, message: str, *, rule: str, hint: Hint | None
    ) -> Finding:
        return Finding(
            file=self.file,
            message=message,
            hint=hint,
            key_path=path,
            line=None if at is None else at.line,
            column=None if at is None else at.column,
            rule=rule,
        )


def join(path: str, key: str) -> str:
    """Return the key path of *key* below *path*, as it may be shown."""
    key = shorten(key)
    return f"{path}.{key}" if path else key
