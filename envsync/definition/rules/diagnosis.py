"""One thing that is wrong or risky in a definition, and what would put it right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from envsync.definition.edit.text_edit import Edit, Language
    from envsync.errors import Finding

# A note is worth knowing, and no reason to change anything.
Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fix:
    """An edit of the finding's file that can't change what its author meant.

    *description* is the end of a sentence: what the edit does.
    """

    description: str
    edit: Edit
    language: Language


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """What the rule named *rule* has to say; *fix* is there where it is safe to apply unasked."""

    severity: Severity
    rule: str
    finding: Finding
    fix: Fix | None = None


def error(rule: str, finding: Finding, fix: Fix | None = None) -> Diagnosis:
    """Return what can't work."""
    return Diagnosis(severity="error", rule=rule, finding=finding, fix=fix)


def warning(rule: str, finding: Finding, fix: Fix | None = None) -> Diagnosis:
    """Return what is a risk, or will be one."""
    return Diagnosis(severity="warning", rule=rule, finding=finding, fix=fix)


def note(rule: str, finding: Finding, fix: Fix | None = None) -> Diagnosis:
    """Return what is worth knowing."""
    return Diagnosis(severity="note", rule=rule, finding=finding, fix=fix)
