"""The story of `envsync validate`: everything that is wrong or risky in a definition."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.definition import load
from envsync.definition.azureml.environment_json import read_environment
from envsync.definition.azureml.v1 import CONDA_NAME, DOCKERFILE_NAME, JSON_NAME
from envsync.definition.conda.dependencies import read_conda
from envsync.definition.reading.json_text import parse_json
from envsync.definition.reading.report import Report
from envsync.definition.requirement.pip_section import read_pip_section
from envsync.definition.rules import check_subject
from envsync.definition.rules.loader import diagnose_findings
from envsync.definition.rules.subject import guess_files, read_subject
from envsync.errors import DefinitionError, EnvsyncError, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from envsync.definition.reading.loaded import Loaded
    from envsync.definition.rules.diagnosis import Diagnosis
    from envsync.definition.rules.subject import Subject

_FILE_NAMES = (JSON_NAME, CONDA_NAME, DOCKERFILE_NAME)
_SEVERITIES = ("error", "warning", "note")
_FILES_OF_PIP = ("-r", "-c", "--requirement", "--constraint")


@dataclass(frozen=True, kw_only=True, slots=True)
class Validation:
    """What there is to say about the definition *source*, in the order of its files.

    *fixed* was wrong and is not any more.
    """

    source: Path
    diagnoses: tuple[Diagnosis, ...]
    fixed: tuple[Diagnosis, ...] = ()

    def count(self, severity: str) -> int:
        """Return how many diagnoses are of *severity*."""
        return sum(diagnosis.severity == severity for diagnosis in self.diagnoses)


def find_source(path: Path) -> Path:
    """Return the definition that *path* belongs to: its folder, if it has one of their names."""
    is_part = path.name in _FILE_NAMES and (path.parent / JSON_NAME).is_file()
    return path.parent if is_part and path.is_file() else path


def validate(source: Path, *, today: date) -> Validation:
    """Return everything that is wrong or risky in the definition *source* on *today*.

    A definition that can't be read at all has errors like any other. Nothing is fetched, nothing
    outside of the definition is read.
    """
    return Validation(source=source, diagnoses=diagnose(source, today))


def diagnose(source: Path, today: date) -> tuple[Diagnosis, ...]:
    """Return the diagnoses of *source* in the order of its files, and of their lines."""
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    loaded: Loaded | None = None
    try:
        loaded = load(source)
        warnings = loaded.warnings
        files = loaded.spec.files
    except EnvsyncError as error:
        found = error.findings if isinstance(error, DefinitionError) else ()
        errors = found or (_as_finding(source, error),)
        named = (Path(finding.file) for finding in errors)
        files = tuple(dict.fromkeys((*guess_files(source), *filter(Path.is_file, named))))
    subject = read_subject(files, today)
    if loaded is None:
        warnings = _read_warnings(subject)
    else:
        more_errors, more_warnings = _read_requirements(loaded)
        errors, warnings = more_errors, (*warnings, *more_warnings)
    diagnoses = [
        *diagnose_findings(errors, "error", subject.documents),
        *diagnose_findings(warnings, "warning", subject.documents),
        *check_subject(subject),
    ]
    return _sort(diagnoses, files)


def _as_finding(source: Path, error: EnvsyncError) -> Finding:
    message = error.message.removeprefix(f"`{source}` ")  # which every finding begins with
    rule = "not-a-definition" if isinstance(error, DefinitionError) else "definition"
    return Finding(file=str(source), message=message, hint=error.hint, rule=rule)


def _read_warnings(subject: Subject) -> tuple[Finding, ...]:
    """Return what the readers would warn about, had they not met an error."""
    found: list[Finding] = []
    for document in subject.documents:
        report = Report(str(document.path))
        if document.language == "json":
            value = parse_json(document.text, report)
            read_environment(value, report, directory=document.path.parent)
            found += report.warnings
    conda = subject.conda
    if conda is not None and not conda.root.path:
        report = Report(str(conda.root.document.path))
        read_conda(conda.root.node, report, text=conda.root.document.text)
        found += report.warnings
    return tuple(found)


def _read_requirements(loaded: Loaded) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Return what is wrong and risky in the requirements files that the definition names."""
    conda = loaded.spec.conda
    options = () if conda is None else conda.pip_options
    if not any(option.startswith(_FILES_OF_PIP) for option in options):
        return (), ()
    try:
        _, warnings = read_pip_section(loaded.spec)
    except DefinitionError as error:
        return error.findings, ()
    return (), warnings


def _sort(diagnoses: Iterable[Diagnosis], files: Iterable[Path]) -> tuple[Diagnosis, ...]:
    """Order by file, place and severity, and say the same only once."""
    order = {str(file): number for number, file in enumerate(files)}
    unique = {_key(diagnosis): diagnosis for diagnosis in reversed([*diagnoses])}

    def place(diagnosis: Diagnosis) -> tuple[int, str, int, int, int, str]:
        found = diagnosis.finding
        rank = _SEVERITIES.index(diagnosis.severity)
        where = (found.line or 0, found.column or 0)
        return (order.get(found.file, len(order)), found.file, *where, rank, diagnosis.rule)

    return tuple(sorted(unique.values(), key=place))


def _key(diagnosis: Diagnosis) -> tuple[str, str, str, int | None]:
    found = diagnosis.finding
    return found.file, found.key_path, found.message, found.line
