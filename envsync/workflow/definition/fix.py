"""The story of `envsync validate --fix`: the safe fixes, applied in place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from envsync.definition.azureml.environment_json import read_environment
from envsync.definition.conda.dependencies import read_conda
from envsync.definition.edit.editable import open_editable
from envsync.definition.edit.text_edit import InPlaceError, apply_edits
from envsync.definition.reading.json_text import parse_json
from envsync.definition.reading.report import Report
from envsync.errors import DefinitionError
from envsync.workflow.definition.validate import Validation, diagnose
from envsync.yamlio import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from envsync.definition.edit.text_edit import Language
    from envsync.definition.rules.diagnosis import Diagnosis, Fix

# One fix may bring another within reach: a key that is spelt right has a value that is looked at.
_MOST_ROUNDS = 5
_MOST_CHARACTERS = 500_000  # to be parsed in search of fixes that go together


def fix(source: Path, *, today: date) -> Validation:
    """Apply the safe fixes to the files of the definition *source*, and return what is left.

    Each file is written in one step. A fix that brings an error to light in its file is left out.

    Raises:
        EnvsyncError: a file can't be written.
    """
    fixed: list[Diagnosis] = []
    diagnoses = diagnose(source, today)
    rounds = 0
    while rounds < _MOST_ROUNDS and (done := _fix_files(diagnoses)):
        rounds += 1
        fixed += done
        diagnoses = diagnose(source, today)
    return Validation(source=source, diagnoses=diagnoses, fixed=tuple(fixed))


def _fix_files(diagnoses: Iterable[Diagnosis]) -> list[Diagnosis]:
    done: list[Diagnosis] = []
    fixable = [diagnosis for diagnosis in diagnoses if diagnosis.fix is not None]
    for file in dict.fromkeys(diagnosis.finding.file for diagnosis in fixable):
        editable = open_editable(Path(file))
        of_file = [diagnosis for diagnosis in fixable if diagnosis.finding.file == file]
        text, applied = _apply(editable.text, of_file)
        if editable.write(text):
            done += applied
    return done


def _apply(text: str, diagnoses: list[Diagnosis]) -> tuple[str, list[Diagnosis]]:
    """Apply as many fixes as go together; see for which not by halves, the later half first."""
    ordered = sorted(diagnoses, key=_place)
    tries = max(_MOST_CHARACTERS // (len(text) + 1), 1)
    pending, applied = [ordered], []
    while pending and tries:
        tries -= 1
        group = pending.pop()
        edited = _edit(text, [diagnosis.fix for diagnosis in group if diagnosis.fix is not None])
        if edited is not None:
            text = edited
            applied += group[::-1]
        elif len(group) > 1:
            middle = len(group) // 2
            pending += [group[:middle], group[middle:]]
    return text, applied[::-1]


def _edit(text: str, fixes: list[Fix]) -> str | None:
    """Return *text* with *fixes*, None where that can't be or makes matters worse."""
    language = fixes[0].language
    try:
        edited = apply_edits(text, [fix.edit for fix in fixes], language=language)
    except InPlaceError:
        return None
    return None if _count_errors(edited, language) > _count_errors(text, language) else edited


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
