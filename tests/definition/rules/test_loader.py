from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from envsync.definition.azureml.environment_json import read_environment
from envsync.definition.conda.dependencies import load_conda
from envsync.definition.edit.text_edit import apply_edit
from envsync.definition.reading.json_text import parse_json
from envsync.definition.reading.repairs import QUOTE
from envsync.definition.reading.report import Report
from envsync.definition.rules.document import Document, json_root
from envsync.definition.rules.loader import diagnose_findings
from envsync.errors import Finding
from envsync.yamlio import parse_yaml

if TYPE_CHECKING:
    from envsync.definition.rules.diagnosis import Diagnosis


def diagnose(text: str, *, is_json: bool) -> list[Diagnosis]:
    path = Path("azureml_environment.json" if is_json else "c.yml")
    report = Report(str(path))
    if is_json:
        read_environment(parse_json(text, report), report, directory=Path())
        document = Document(path, text, "json", json_root(text))
    else:
        load_conda(text, report)
        root = parse_yaml(text, file="")
        assert root is not None
        document = Document(path, text, "yaml", root)
    return [
        *diagnose_findings(report.errors, "error", [document]),
        *diagnose_findings(report.warnings, "warning", [document]),
    ]


@pytest.mark.parametrize(
    ("text", "rule", "mended"),
    [
        (
            '{"name": "a", "python": {"userManagedDependencies": "False"}}',
            "wrong-type",
            '{"name": "a", "python": {"userManagedDependencies": false}}',
        ),
        (
            '{"name": "a", "docker": {}, "version": 1.10}',
            "wrong-type",
            '{"name": "a", "docker": {}, "version": "1.10"}',
        ),
        (
            '{"name": "a", "docker": {"base_image": "b:1"}}',
            "unknown-key",
            '{"name": "a", "docker": {"baseImage": "b:1"}}',
        ),
        ('{"nmae": "a", "docker": {}}', "unknown-key", '{"name": "a", "docker": {}}'),
    ],
)
def test_json_is_mended(text: str, rule: str, mended: str) -> None:
    (diagnosis,) = diagnose(text, is_json=True)

    assert diagnosis.rule == rule
    assert diagnosis.fix is not None
    assert apply_edit(text, diagnosis.fix.edit, language=diagnosis.fix.language) == mended


@pytest.mark.parametrize(
    ("text", "rule", "mended"),
    [
        ("dependency: [python=3]\n", "unknown-key", "dependencies: [python=3]\n"),
        (
            "dependencies: [python=3, a=>1] # why\n",
            "not-a-match-spec",
            "dependencies: [python=3, a>=1] # why\n",
        ),
        (
            "dependencies:\n- python=3\n- pip:\n  - 'a=<1'\n",
            "not-a-pip-line",
            "dependencies:\n- python=3\n- pip:\n  - 'a<=1'\n",
        ),
        (
            "dependencies:\n- python=3\n- pip:\n  - a\n  - # nothing\n",
            "empty-item",
            "dependencies:\n- python=3\n- pip:\n  - a\n",
        ),
    ],
)
def test_yaml_is_mended(text: str, rule: str, mended: str) -> None:
    diagnosis = next(found for found in diagnose(text, is_json=False) if found.rule == rule)

    assert diagnosis.fix is not None
    assert apply_edit(text, diagnosis.fix.edit) == mended


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "a", "docker": {"baseImage": "b:1", "base_image": "c:1"}}',
        '{"name": "a", "docker": {}, "somethingElse": 1}',
        '{"name": "a", "docker": {"enabled": "perhaps"}}',
        '{"name": "a", "docker": {"enabled": 1}}',
        '{"name": {"a": 1}, "docker": {}}',
        '{"name": "a", "docker": {}, "spark": {"packages": [{"groups": 1}]}}',
    ],
)
def test_json_whose_meaning_is_open_is_left_alone(text: str) -> None:
    found = diagnose(text, is_json=True)

    assert found
    assert [diagnosis.fix for diagnosis in found if diagnosis.rule != "unknown-key"] in ([None], [])


@pytest.mark.parametrize(
    "text",
    [
        "dependencies: [python=3, 'a=b=c=d']\n",
        "dependencies: [python=3, {pip: ['a b c']}]\n",
        "dependencies: [python=3]\nplatforms: []\n",
        "dependencies: [python=3]\nname: [a]\n",
    ],
)
def test_yaml_whose_meaning_is_open_is_left_alone(text: str) -> None:
    found = diagnose(text, is_json=False)

    assert found
    assert [diagnosis.fix for diagnosis in found] == [None]


def test_a_key_that_another_file_may_contradict_is_not_renamed() -> None:
    text = '{"name": "a", "docker": {}, "python": {"condaDependancies": {"dependencies": []}}}'

    (diagnosis,) = diagnose(text, is_json=True)

    assert diagnosis.rule == "unknown-key"
    assert diagnosis.finding.hint == "did you mean `condaDependencies`?"
    assert diagnosis.fix is None


def test_a_run_configuration_is_not_mended() -> None:
    text = "environment: {docker: {baseImage: 1}}\n"
    root = parse_yaml(text, file="")
    assert root is not None
    document = Document(Path("a.runconfig"), text, "yaml", root, is_loose=True)
    finding = Finding(
        file="a.runconfig",
        key_path="environment.docker.baseImage",
        message="a number where text should be",
        hint=QUOTE,
    )
    strict = Document(Path("a.runconfig"), text, "yaml", root)

    assert [found.fix for found in diagnose_findings([finding], "error", [document])] == [None]
    assert [found.fix for found in diagnose_findings([finding], "error", [strict])] != [None]


def test_column_is_added_where_the_reader_gives_none() -> None:
    text = '{\n  "name": "a",\n  "docker": {},\n  "nmea": 1\n}'

    (diagnosis,) = diagnose(text, is_json=True)

    assert (diagnosis.finding.line, diagnosis.finding.column) == (4, 3)


def test_finding_about_a_file_that_cannot_be_read_is_passed_on() -> None:
    finding = Finding(file="x", message="cannot be read: No such file or directory", rule="missing")

    (diagnosis,) = diagnose_findings([finding], "error", [])

    assert (diagnosis.severity, diagnosis.rule, diagnosis.finding) == ("error", "missing", finding)
