"""Let one rule look at a definition made for it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from support.definitions import document_with, write_definition

from envsync.definition.rules.subject import guess_files, read_subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from envsync.definition.rules.diagnosis import Diagnosis
    from envsync.definition.rules.subject import Subject

TODAY = date(2026, 1, 1)


@pytest.fixture
def today() -> date:
    return TODAY


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return what a rule says about a definition: `severity rule file:line: path: message`."""
    monkeypatch.chdir(tmp_path)

    def look(
        rule: Callable[[Subject], Iterable[Diagnosis]],
        *,
        conda: str | None = None,
        dockerfile: str | None = None,
        **changes: Any,
    ) -> list[str]:
        (tmp_path / "d/conda_dependencies.yml").unlink(missing_ok=True)
        directory = write_definition(
            tmp_path / "d", document_with(**changes), conda=conda, dockerfile=dockerfile
        )
        subject = read_subject(guess_files(directory.relative_to(tmp_path)), TODAY)
        return [describe(diagnosis) for diagnosis in rule(subject)]

    return look


def describe(diagnosis: Diagnosis) -> str:
    finding = diagnosis.finding
    name = finding.file.rpartition("/")[2]
    place = f"{name}:{finding.line}:{finding.column}"
    fix = "" if diagnosis.fix is None else f" ({diagnosis.fix.description})"
    path = f" {finding.key_path}:" if finding.key_path else ""
    return f"{diagnosis.severity} {diagnosis.rule} {place}:{path} {finding.message}{fix}"
