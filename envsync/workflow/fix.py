"""The story of `envsync validate --fix`: the safe fixes, applied in place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.spec.azureml_json import read_environment
from envsync.spec.conda_yaml import read_conda
from envsync.spec.edit.editable import open_editable
from envsync.spec.edit.text_edit import InPlaceError, apply_edit
from envsync.spec.json_text import parse_json
from envsync.spec.report import Report
from envsync.workflow.validate import Validation, diagnose
from envsync.yamlio import parse_yaml

if TYPE_CHECKING:
    from datetime import date

    from envsync.spec.edit.text_edit import Language
    from envsync.spec.rules.diagnosis import Diagnosis

# One fix may bring another within reach: a key that is spelt right has a value that is looked at.
_MOST_ROUNDS = 5


def fix(source: Path, *, today: date) -> Validation:
    """Apply the safe fixes to the files of the definition *source*, and return what is left.

    Each file is written in one step. A fix that brings an error to light in its file is left out.

    Raises:
        EnvsyncError: a file can't be written.
    """
    fixed: list[Diagnosis] = []
    diagnoses = diagnose(source, today)
    for _ in range(_MOST_ROUNDS):
        done = _fix_files([diagnosis for diagnosis in diagnoses if diagnosis.fix is not None])
        if not done:
            break
        fixed += done
        diagnoses = diagnose(source, today)
    return Validation(source=source, diagnoses=diagnoses, fixed=tuple(fixed))


def _fix_files(diagnoses: list[Diagnosis]) -> list[Diagnosis]:
    done: list[Diagnosis] = []
    for file in dict.fromkeys(diagnosis.finding.file for diagnosis in diagnoses):
        editable = open_editable(Path(file))
        of_file = [diagnosis for diagnosis in diagnoses if diagnosis.finding.file == file]
        text, applied = _apply(editable.text, of_file)
        if editable.write(text):
            done += applied
    return done


def _apply(text: str, diagnoses: list[Diagnosis]) -> tuple[str, list[Diagnosis]]:
    """Apply the fixes from the end of *text* to its start, so that no other place moves."""
    applied = []
    for diagnosis in sorted(diagnoses, key=_place, reverse=True):
        fix = diagnosis.fix
        if fix is None:
            continue
        try:
            edited = apply_edit(text, fix.edit, language=fix.language)
        except InPlaceError:
            continue
        if _count_errors(edited, fix.language) <= _count_errors(text, fix.language):
            text = edited
            applied.append(diagnosis)
    return text, applied[::-1]


def _count_errors(text: str, language: Language) -> int:
    report = Report("")
    try:
        if language == "json":
            read_environment(parse_json(text, report), report, directory=Path())
        else:
            read_conda(parse_yaml(text, file=""), report, text=text)
    except DefinitionError as error:
        return len(error.findings)
    return len(report.errors)


def _place(diagnosis: Diagnosis) -> tuple[int, int]:
    return diagnosis.finding.line or 0, diagnosis.finding.column or 0
