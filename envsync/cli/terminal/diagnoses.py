"""What `validate` found, for people, for programs, and for the annotations of a workflow run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from envsync.cli.terminal.group import paint
from envsync.model.text.wording import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envsync.definition.rules.diagnosis import Diagnosis
    from envsync.workflow.definition.validate import Validation

_COLOURS = {"error": "red", "warning": "yellow", "note": "blue"}
_LEVELS = {"error": "error", "warning": "warning", "note": "notice"}
_FORMAT_VERSION = 1


def dump_text(validations: Iterable[Validation]) -> str:
    """Return the diagnoses as lines, each with its hint."""
    lines = []
    for diagnosis in _list_diagnoses(validations):
        label = paint(f"{diagnosis.severity.capitalize()}:", _COLOURS[diagnosis.severity])
        finding = diagnosis.finding
        lines.append(f"{label} {describe_place(diagnosis)}: {finding.message} [{diagnosis.rule}]")
        if finding.hint:
            lines.append(f"{paint('Hint:', 'cyan')} {finding.hint}")
    return "\n".join(lines)


def dump_json(validations: Iterable[Validation]) -> str:
    """Return one object that a program can read; keys may be added to it, and none removed."""
    definitions = [
        {
            "source": str(validation.source),
            "errors": validation.count("error"),
            "warnings": validation.count("warning"),
            "notes": validation.count("note"),
            "diagnoses": [_to_json(diagnosis) for diagnosis in validation.diagnoses],
            "fixed": [_to_json(diagnosis) for diagnosis in validation.fixed],
        }
        for validation in validations
    ]
    return json.dumps({"version": _FORMAT_VERSION, "definitions": definitions}, indent=2)


def dump_github(validations: Iterable[Validation]) -> str:
    """Return the diagnoses as workflow commands of GitHub Actions, which become annotations."""
    return "\n".join(_annotate(diagnosis) for diagnosis in _list_diagnoses(validations))


def summarize(validations: Sequence[Validation]) -> str:
    """Return one line that counts."""
    counted = ", ".join(
        count(sum(validation.count(severity) for validation in validations), severity)
        for severity in ("error", "warning", "note")
    )
    line = f"{counted} in {count(len(validations), 'definition')}"
    fixable = sum(d.fix is not None for v in validations for d in v.diagnoses)
    return f"{line}; `--fix` can mend {fixable}" if fixable else line


def describe_place(diagnosis: Diagnosis) -> str:
    """Return where *diagnosis* was made: file, line, column and key path."""
    finding = diagnosis.finding
    numbers = [str(n) for n in (finding.line, finding.column) if n is not None]
    place = ":".join([f"`{finding.file}`", *numbers])
    return f"{place}: {finding.key_path}" if finding.key_path else place


def describe_fix(diagnosis: Diagnosis) -> str:
    """Return what was wrong, and what the fix does or did about it."""
    done = "" if diagnosis.fix is None else f" ({diagnosis.fix.description})"
    return f"{diagnosis.finding.message}{done} [{diagnosis.rule}]"


def _list_diagnoses(validations: Iterable[Validation]) -> Iterable[Diagnosis]:
    return (diagnosis for validation in validations for diagnosis in validation.diagnoses)


def _to_json(diagnosis: Diagnosis) -> dict[str, Any]:
    finding = diagnosis.finding
    return {
        "severity": diagnosis.severity,
        "rule": diagnosis.rule,
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "key_path": finding.key_path,
        "message": finding.message,
        "hint": finding.hint and str(finding.hint),
        "fix": None if diagnosis.fix is None else diagnosis.fix.description,
    }


def _annotate(diagnosis: Diagnosis) -> str:
    """Write one command; https://docs.github.com/actions/reference/workflow-commands has it."""
    finding = diagnosis.finding
    properties = {
        "file": finding.file,
        "line": finding.line,
        "col": finding.column,
        "title": f"envsync: {diagnosis.rule}",
    }
    written = ",".join(
        f"{name}={_escape(str(value)).replace(':', '%3A').replace(',', '%2C')}"
        for name, value in properties.items()
        if value is not None
    )
    path = f"{finding.key_path}: " if finding.key_path else ""
    hint = f"\nHint: {finding.hint}" if finding.hint else ""
    message = _escape(f"{path}{finding.message}{hint}")
    return f"::{_LEVELS[diagnosis.severity]} {written}::{message}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
