from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.definitions import DOCUMENT, SHARED, document_with, write_definition

from envsync.workflow.definition.fix import fix
from envsync.workflow.definition.validate import validate

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Done

ODD = (
    "",
    "\n",
    "\r",
    "\t",
    "- ",
    "- - ",
    "#",
    " #",
    "*a",
    "&a ",
    "[",
    "]",
    "{",
    "'",
    '"',
    "|\n",
    "? ",
)
TODAY = date(2026, 1, 1)
CLEAN = {"docker__baseImage": "e.org/a:1", "environmentVariables": {}}
GOOD = """\
channels: [conda-forge]
dependencies:
  - python=3.14
  - pip
  - pip:
      - azureml-defaults==1.60.0
"""
BAD = """\
# what churn needs\r
channels: [conda-forge, conda-forge]\r
dependencies:\r
  - python=3.14   # as in production\r
  - "scikit-learn=>1.4"\r
  - numpy\r
  - numpy\r
  - pip:\r
      - joblib\r
\r
variables:\r
  OMP: 0755\r
"""
MENDED = """\
# what churn needs\r
channels: [conda-forge]\r
dependencies:\r
  - python=3.14   # as in production\r
  - "scikit-learn>=1.4"\r
  - numpy\r
  - pip\r
  - pip:\r
      - joblib\r
\r
variables:\r
  OMP: "0755"\r
"""


def test_definition_that_is_fine_is_said_to_be(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    write_definition(tmp_path / "d", document_with(**CLEAN), conda=GOOD)

    assert envsync("validate", "d") == (0, "", "0 errors, 0 warnings, 0 notes in 1 definition\n")


def test_everything_is_said_at_once_in_the_order_of_the_files(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    document = document_with(**CLEAN | {"docker__enabled": "false", "docker__baseImage": "a"})
    write_definition(tmp_path / "d", document | {"nmae": 1}, conda=BAD)

    done = envsync("validate", "d")

    assert done.status == 2
    assert done.stdout == (
        "Error: `d/azureml_environment.json`:12:9: docker.enabled: "
        "text where `true` or `false` should be [wrong-type]\n"
        "Hint: write `false` without quotes\n"
        "Warning: `d/azureml_environment.json`:13:22: docker.baseImage: "
        "`a` has no tag, so another image may have this name tomorrow [floating-image]\n"
        "Hint: add a dated tag, or better its digest: `NAME@sha256:...`\n"
        "Warning: `d/azureml_environment.json`:45:5: nmae: "
        "Azure ML does not know this key; it is kept, not used [unknown-key]\n"
        "Hint: did you mean `name`?\n"
        "Warning: `d/conda_dependencies.yml`:2:25: channels[1]: "
        "`conda-forge` is named above [duplicate-channel]\n"
        "Hint: remove it\n"
        "Error: `d/conda_dependencies.yml`:5:5: dependencies[1]: "
        "`scikit-learn=>1.4` is not a match spec [not-a-match-spec]\n"
        "Hint: did you mean `scikit-learn>=1.4`?\n"
        "Warning: `d/conda_dependencies.yml`:7:5: dependencies[3]: "
        "`numpy` is there above [duplicate-package]\n"
        "Hint: remove it\n"
        "Warning: `d/conda_dependencies.yml`:8:5: dependencies[4].pip: "
        "`pip` is not among the dependencies; conda adds one of its choice, and complains "
        "[missing-pip]\n"
        "Hint: add `- pip` before it\n"
        "Warning: `d/conda_dependencies.yml`:12:8: variables.OMP: "
        "not every reader of YAML takes this for the text that it looks like [ambiguous-value]\n"
        "Hint: put it in quotes\n"
    )
    assert done.stderr == "2 errors, 6 warnings, 0 notes in 1 definition; `--fix` can mend 6\n"


def test_fix_mends_what_is_safe_and_touches_nothing_else(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    directory = write_definition(tmp_path / "d", document_with(**CLEAN), conda=BAD.encode())
    (directory / "conda-lock.yml").write_text("")

    done = envsync("validate", "--fix", "d")

    assert (done.status, done.stdout) == (0, "")
    assert done.stderr == (
        "Fixed `d/conda_dependencies.yml`:2:25: channels[1]: "
        "`conda-forge` is named above (remove it) [duplicate-channel]\n"
        "Fixed `d/conda_dependencies.yml`:5:5: dependencies[1]: "
        "`scikit-learn=>1.4` is not a match spec (turn the operator round) [not-a-match-spec]\n"
        "Fixed `d/conda_dependencies.yml`:7:5: dependencies[3]: "
        "`numpy` is there above (remove it) [duplicate-package]\n"
        "Fixed `d/conda_dependencies.yml`:8:5: dependencies[4].pip: "
        "`pip` is not among the dependencies; conda adds one of its choice, and complains "
        "(add `pip` before it) [missing-pip]\n"
        "Fixed `d/conda_dependencies.yml`:12:8: variables.OMP: not every reader of YAML takes "
        "this for the text that it looks like (put it in quotes) [ambiguous-value]\n"
        "Warning: `d/conda-lock.yml` may be stale now\n"
        "Hint: run `envsync check d`\n"
        "0 errors, 0 warnings, 0 notes in 1 definition\n"
    )
    assert (directory / "conda_dependencies.yml").read_bytes() == MENDED.encode()


def test_second_fix_changes_nothing(tmp_path: Path, envsync: Callable[..., Done]) -> None:
    write_definition(tmp_path / "d", document_with(**CLEAN), conda=BAD)
    envsync("validate", "--fix", "d")
    before = {path: path.read_bytes() for path in (tmp_path / "d").iterdir()}

    done = envsync("validate", "--fix", "d")

    assert done.stderr == "0 errors, 0 warnings, 0 notes in 1 definition\n"
    assert {path: path.read_bytes() for path in (tmp_path / "d").iterdir()} == before


def test_json_with_bom_and_odd_spacing_is_mended_in_place(tmp_path: Path) -> None:
    text = '\ufeff{"name" :"d",\r\n\t"docker":{"enabled" : "False", "base_image":"e.org/a:1"}\r\n}'
    directory = write_definition(tmp_path / "d", text, conda=GOOD)

    outcome = fix(directory, today=TODAY)

    assert [diagnosis.rule for diagnosis in outcome.fixed] == ["wrong-type", "unknown-key"]
    assert (directory / "azureml_environment.json").read_bytes() == (
        text.replace('"False"', "false").replace("base_image", "baseImage").encode()
    )


def test_fix_that_would_bring_an_error_to_light_is_left_out(tmp_path: Path) -> None:
    text = '{"name": "d", "docker": {"buildContext": {"location": "a"}, "base_image": "b:1"}}'
    directory = write_definition(tmp_path / "d", text, conda=GOOD)

    outcome = fix(directory, today=TODAY)

    assert outcome.fixed == ()
    assert (directory / "azureml_environment.json").read_text() == text


@pytest.mark.parametrize(
    ("text", "dockerfile"),
    [
        ('{"python": {"conda_dependencies": false}}', None),
        ('{"docker": {"base_image": "a:1"}}', "FROM e.org/a:1\n"),
    ],
)
def test_key_that_another_file_may_contradict_is_left_as_it_is(
    tmp_path: Path, text: str, dockerfile: str | None
) -> None:
    directory = write_definition(tmp_path / "d", text, conda=GOOD, dockerfile=dockerfile)

    outcome = fix(directory, today=TODAY)

    assert outcome.fixed == ()
    assert [diagnosis.rule for diagnosis in outcome.diagnoses] == ["unknown-key"]


def test_fix_that_needs_a_human_editor_is_left_out(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    text = "dependencies:\n- python=3.14\n- numpy\n- &x numpy\nvariables: {A: *x}\n"
    (tmp_path / "environment.yml").write_text(text)

    done = envsync("validate", "--fix", "environment.yml")

    assert done.stderr == "0 errors, 1 warning, 1 note in 1 definition; `--fix` can mend 1\n"
    assert (tmp_path / "environment.yml").read_text() == text


def test_two_keys_that_mean_the_same_do_not_become_one(tmp_path: Path) -> None:
    text = '{"docker": {"enabled": false, "base_image": "e.org/a:1", "baseimage": "e.org/b:1"}}'
    directory = write_definition(tmp_path / "d", text, conda=GOOD)

    outcome = fix(directory, today=TODAY)

    assert [diagnosis.finding.key_path for diagnosis in outcome.fixed] == ["docker.baseimage"]
    assert (directory / "azureml_environment.json").read_text() == (
        text.replace("baseimage", "baseImage")
    )


def test_strict_lets_warnings_count(tmp_path: Path, envsync: Callable[..., Done]) -> None:
    write_definition(tmp_path / "d", document_with(**CLEAN), conda=GOOD.replace("==1.60.0", ""))

    assert envsync("validate", "d").status == 0
    assert envsync("validate", "--strict", "d").status == 1


def test_notes_never_count(tmp_path: Path, envsync: Callable[..., Done]) -> None:
    write_definition(tmp_path / "d", DOCUMENT | {"docker": None}, conda=GOOD)
    (tmp_path / "d/azureml_environment.json").write_text(
        json.dumps(document_with(docker__baseImage="e.org/a:1"))
    )

    done = envsync("validate", "--strict", "d")

    assert (done.status, done.stderr) == (0, "0 errors, 0 warnings, 1 note in 1 definition\n")


@pytest.mark.parametrize("words", [("--json",), ("--format", "json")])
def test_json_is_for_programs(
    tmp_path: Path, envsync: Callable[..., Done], words: tuple[str, ...]
) -> None:
    write_definition(tmp_path / "d", document_with(**CLEAN), conda=GOOD.replace("  - pip\n", ""))

    done = envsync("validate", *words, "d")

    assert json.loads(done.stdout) == {
        "version": 1,
        "definitions": [
            {
                "source": "d",
                "errors": 0,
                "warnings": 1,
                "notes": 0,
                "diagnoses": [
                    {
                        "severity": "warning",
                        "rule": "missing-pip",
                        "file": "d/conda_dependencies.yml",
                        "line": 4,
                        "column": 5,
                        "key_path": "dependencies[1].pip",
                        "message": "`pip` is not among the dependencies; "
                        "conda adds one of its choice, and complains",
                        "hint": "add `- pip` before it",
                        "fix": "add `pip` before it",
                    }
                ],
                "fixed": [],
            }
        ],
    }


def test_github_gets_annotations(tmp_path: Path, envsync: Callable[..., Done]) -> None:
    write_definition(tmp_path / "a,b:c", "[", conda=GOOD.replace("azureml", "100%\\n: azureml"))

    done = envsync("validate", "--format", "github", "a,b:c", "nowhere")

    assert done.status == 2
    assert done.stdout == (
        "::error file=a%2Cb%3Ac/azureml_environment.json,line=1,col=2,title=envsync%3A syntax"
        "::not JSON: the file is cut off%0AHint: save the definition here again\n"
        "::error file=a%2Cb%3Ac/conda_dependencies.yml,line=6,col=9,"
        "title=envsync%3A wrong-type::dependencies[2].pip[0]: "
        "a mapping where a pip requirement should be%0AHint: quote it if it is text\n"
        "::error file=nowhere,title=envsync%3A missing"
        "::cannot be read: No such file or directory"
        "%0AHint: give the folder or the file of a definition\n"
    )


def test_a_source_that_holds_no_definition_is_named_once(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    (tmp_path / "churn").mkdir()

    slip, empty = envsync("validate", "chrun"), envsync("validate", "churn")

    assert slip.stdout == (
        "Error: `chrun`: cannot be read: No such file or directory [missing]\n"
        "Hint: did you mean `churn`?\n"
    )
    assert empty.stdout.startswith("Error: `churn`: holds no definition [")


def test_secret_is_named_and_never_shown(tmp_path: Path, envsync: Callable[..., Done]) -> None:
    secret = "hunter22hunter22"  # noqa: S105  # made up
    document = document_with(
        environmentVariables={"DB_PASSWORD": secret}, docker__baseImageRegistry={"password": secret}
    )
    wheel = f"https://e.org/a-1-py3-none-any.whl?sig={secret}"
    conda = (
        f"channels: ['https://e.org/t/{secret}/c']\n"
        f"dependencies: [{{pip: ['--index-url https://me:{secret}@e.org/', '{wheel}']}}]\n"
    )
    write_definition(tmp_path / "d", document, conda=conda)

    for output_format in ("text", "json", "github"):
        done = envsync("validate", "--format", output_format, "d")

        assert "environmentVariables.DB_PASSWORD" in done.stdout
        assert done.stdout.count("secret") >= 5
        assert secret not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["azureml_environment.json", "conda_dependencies.yml"])
def test_file_of_a_definition_stands_for_its_folder(
    tmp_path: Path, envsync: Callable[..., Done], name: str
) -> None:
    write_definition(tmp_path / "d", document_with(**CLEAN), conda=GOOD)

    done = envsync("validate", f"d/{name}", "d", "d/BaseDockerfile")

    assert done.stderr == "1 error, 0 warnings, 0 notes in 2 definitions\n"


def test_definition_here_is_the_default(tmp_path: Path, envsync: Callable[..., Done]) -> None:
    write_definition(tmp_path, document_with(**CLEAN), conda=GOOD)

    assert envsync("validate").stderr == "0 errors, 0 warnings, 0 notes in 1 definition\n"


def test_plain_conda_file_and_v2_file_are_looked_at_too(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    (tmp_path / "environment.yml").write_text("dependencies: [python]\n")
    (tmp_path / "v2.yml").write_text(
        "name: a\nimage: b\nconda_file:\n  dependencies: [python=3.14, {pip: [c]}]\n"
    )

    done = envsync("validate", "environment.yml", "v2.yml")

    assert [line for line in done.stdout.splitlines() if line.startswith("Warning")] == [
        (
            "Warning: `environment.yml`:1:16: dependencies[0]: "
            "`from_conda_specification` of the Azure ML SDK turns `python` into `python=3.10.18` "
            "[python-lost-by-sdk]"
        ),
        (
            "Warning: `environment.yml`:1:16: dependencies[0]: "
            "`python` takes whichever Python is newest [unpinned-python]"
        ),
        (
            "Warning: `v2.yml`:2:8: image: "
            "`b` has no tag, so another image may have this name tomorrow [floating-image]"
        ),
        (
            "Warning: `v2.yml`:4:32: conda_file.dependencies[1].pip: `pip` is not among the "
            "dependencies; conda adds one of its choice, and complains [missing-pip]"
        ),
    ]


def test_requirements_file_is_looked_into(tmp_path: Path) -> None:
    directory = write_definition(
        tmp_path / "d", document_with(**CLEAN), conda=GOOD + "      - -r more.txt\n"
    )

    missing = validate(directory, today=TODAY)
    (directory / "more.txt").write_text("numpy==1\n./local\n")
    there = validate(directory, today=TODAY)

    assert [d.finding.message for d in missing.diagnoses] == ["`more.txt` is not there"]
    assert [(d.severity, d.finding.line, d.finding.message) for d in there.diagnoses] == [
        ("warning", 2, "`./local` lies on this machine only")
    ]


def test_warnings_of_a_broken_definition_are_not_lost(tmp_path: Path) -> None:
    document = document_with(**CLEAN | {"docker__enabled": 5})
    directory = write_definition(tmp_path / "d", document | {"zzz": 1}, conda="dependencies: [a]\n")

    outcome = validate(directory, today=TODAY)

    assert [diagnosis.rule for diagnosis in outcome.diagnoses] == [
        *("wrong-type", "unknown-key", "no-channels", "missing-python")
    ]


def test_fix_of_a_file_under_another_name_reaches_it(tmp_path: Path) -> None:
    directory = write_definition(tmp_path / "d", document_with(**CLEAN | {"name": 5}), conda=None)
    (directory / "environment.yml").write_text("dependencies: [python=3.14, {pip: [a=>1]}]\n")

    outcome = fix(directory, today=TODAY)

    assert outcome.count("error") == 0
    assert (directory / "environment.yml").read_text() == (
        "dependencies: [python=3.14, pip, {pip: [a>=1]}]\n"
    )


def test_inline_conda_dependencies_are_mended_in_the_json(tmp_path: Path) -> None:
    inline = '{"dependencies": ["python=3.14", {"pip": ["a"]}]}'
    text = f'{{"name": "d", "python": {{"condaDependencies": {inline}}}}}'
    directory = write_definition(tmp_path / "d", text, conda=None)

    outcome = fix(directory, today=TODAY)

    assert [diagnosis.rule for diagnosis in outcome.fixed] == ["missing-pip"]
    assert (directory / "azureml_environment.json").read_text() == text.replace(
        '{"pip"', '"pip", {"pip"'
    )


def test_run_configuration_is_looked_at_in_any_case(tmp_path: Path) -> None:
    project = tmp_path / ".azureml"
    project.mkdir()
    (project / "job").write_text(
        "environment:\n  docker:\n    base_image: a\n"
        "  python: {CondaDependencies: {dependencies: [python]}}\n"
    )
    (project / "apart").write_text("environment: .azureml/environment.yml\n")
    (project / "environment.yml").write_text(
        "docker: {baseImage: a}\npython: {condaDependenciesFile: .azureml/conda.yml}\n"
    )
    (project / "conda.yml").write_text("dependencies: [python]\n")

    for name in ("job", "apart"):
        outcome = validate(project / name, today=TODAY)

        rules = {diagnosis.rule for diagnosis in outcome.diagnoses}
        assert {"floating-image", "unpinned-python"} <= rules, outcome
        assert outcome.count("error") == 0


def test_mlflow_model_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text(
        "flavors:\n  python_function:\n    env: {conda: conda.yaml}\n    python_version: 3.14.0\n"
    )
    (tmp_path / "conda.yaml").write_text("dependencies: [python=3.14.0, {pip: [azureml-core]}]\n")

    outcome = validate(tmp_path, today=TODAY)

    assert {"missing-pip", "unpinned-azureml"} <= {d.rule for d in outcome.diagnoses}


@pytest.mark.slow
@given(st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_text_is_too_odd_to_be_looked_at_and_mended(tmp_path: Path, data: st.DataObject) -> None:
    text = BAD
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = start + data.draw(st.integers(0, 12))
        text = text[:start] + data.draw(st.sampled_from(ODD)) + text[end:]
    directory = write_definition(tmp_path / "d", document_with(**CLEAN), conda=text.encode())

    before = validate(directory, today=TODAY)
    after = fix(directory, today=TODAY)

    assert after.count("error") <= before.count("error")
    assert fix(directory, today=TODAY).fixed == ()


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "corpus").is_dir(), reason="no corpus here")
def test_every_real_definition_is_looked_at_and_mended_once(tmp_path: Path) -> None:
    for folder in ("corpus/conda_yml", "corpus/azureml_env", "oracle/azureml-v1-malformed"):
        copy = shutil.copytree(SHARED / folder, tmp_path / Path(folder).name, symlinks=True)
        for source in sorted(copy.iterdir()):
            before = validate(source, today=TODAY)
            after = fix(source, today=TODAY)

            assert after.count("error") <= before.count("error"), source
            assert fix(source, today=TODAY).fixed == (), source
