from __future__ import annotations

from pathlib import Path

import pytest
from support.definitions import CONDA, DOCUMENT, SHARED, document_with

from envsync import definition as definitions
from envsync.definition.directory import dump_files
from envsync.errors import DefinitionError
from envsync.yamlio import dump_yaml

RECORDED = SHARED / "oracle/azureml-runconfig"


def write(path: Path, environment: object, **more: object) -> Path:
    """Put a run configuration at *path*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump_yaml({"script": "train.py", "environment": environment, **more}))
    return path


def refuse(path: Path) -> list[tuple[str, str | None]]:
    with pytest.raises(DefinitionError) as caught:
        definitions.load(path)
    return [
        (finding.text.replace(f"{path.parent}/", ""), finding.hint)
        for finding in caught.value.findings
    ]


def named(name: str) -> dict[str, object]:
    return document_with(python__condaDependenciesFile=name)


@pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded cases here")
@pytest.mark.parametrize(
    ("path", "is_user_managed"),
    [
        ("r1_project/.azureml/train", False),
        ("r2_project_separate_env/.azureml/train", False),
        ("r3_single_file/train.runconfig", False),
        ("snake_case/train.runconfig", True),
    ],
)
def test_recorded_run_configuration_is_read(path: str, *, is_user_managed: bool) -> None:
    loaded = definitions.load(RECORDED / path)

    assert loaded.warnings == ()
    assert loaded.spec.name == "rc-env"
    assert loaded.spec.python.user_managed_dependencies is is_user_managed
    assert loaded.spec.conda is not None
    assert loaded.spec.conda.match_specs == ("python=3.8.13", "numpy=1.19.2")


@pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded cases here")
def test_recorded_path_out_of_the_project_is_not_followed() -> None:
    ((finding, hint),) = refuse(RECORDED / "bad_traversal/train.runconfig")
    assert finding == (
        "`train.runconfig`:19: environment.python.condaDependenciesFile: "
        "`../../azgen/outside.yml` lies outside the project, and is not read"
    )
    assert hint == "put a copy inside"


def test_project_is_the_folder_around_the_settings_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / ".azureml/train", named(".azureml/conda.yml"))
    (tmp_path / ".azureml/conda.yml").write_text(CONDA)

    assert definitions.load(path).spec.directory == tmp_path
    monkeypatch.chdir(path.parent)
    read = definitions.load(Path("train")).spec
    assert read.directory == Path("..")
    assert read.conda is not None


def test_saved_definition_has_the_conda_file_beside_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.runconfig", named("conda.yml"))
    (tmp_path / "conda.yml").write_text(CONDA)

    files = dump_files(definitions.load(path).spec)

    assert files["conda_dependencies.yml"] == CONDA.encode()
    definitions.save(definitions.load(path).spec, tmp_path / "saved", overwrite=False)
    assert definitions.load(tmp_path / "saved").warnings == ()


def test_inline_dependencies_are_read(tmp_path: Path) -> None:
    inline = {"dependencies": ["python=3.9"]}
    path = write(tmp_path / "a.runconfig", document_with(python__condaDependencies=inline))
    conda = definitions.load(path).spec.conda
    assert conda is not None
    assert conda.match_specs == ("python=3.9",)


def test_text_needs_no_quotes_and_keys_no_camel_case(tmp_path: Path) -> None:
    path = tmp_path / "a.runconfig"
    path.write_text("""\
Environment:
  name: 3.10
  Version: 1
  environment_variables: {MY_VAR: 0.50, B: null}
  python: {user_managed_dependencies: true}
  docker: {BaseImage: x, arguments: [1, 2], gpu_Support: true}
  spark: {packages: [{group: 1.0}]}
""")
    loaded = definitions.load(path)
    read = loaded.spec
    assert (read.name, read.version, read.base_image) == ("3.10", "1", "x")
    assert read.environment_variables == (("MY_VAR", "0.50"), ("B", ""))
    assert read.docker.arguments == ("1", "2")
    assert [(finding.key_path, finding.line) for finding in loaded.warnings] == [
        ("environment.environmentVariables.B", 4),
        ("environment.docker.gpu_Support", 6),
    ]


@pytest.mark.parametrize(
    ("environment", "finding"),
    [
        (None, "`a.runconfig`: there is no `environment` in this run configuration"),
        ([], "`a.runconfig`:2: environment: a list where an object should be"),
        ("../x.yml", "`a.runconfig`: environment: `../x.yml` lies outside the project"),
        ("gone.yml", "`gone.yml`: cannot be read: No such file or directory"),
        ("list.yml", "`list.yml`: a mapping should be here"),
        ("broken.yml", "`broken.yml`:1: not YAML: no key can stand here"),
        (named("gone.yml"), "`gone.yml`: cannot be read: No such file or directory"),
        (DOCUMENT, "`a.runconfig`:8: environment.python: `condaDependenciesFile` is missing"),
        (
            DOCUMENT | {"python": {"condaDependencies": {"dependencies": "x"}}},
            "`a.runconfig`:9: environment.python.condaDependencies.dependencies: text where",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(
    tmp_path: Path, environment: object, finding: str
) -> None:
    (tmp_path / "list.yml").write_text("- a")
    (tmp_path / "broken.yml").write_text("a: b: c")
    said = [text for text, _ in refuse(write(tmp_path / "a.runconfig", environment))]
    assert any(text.startswith(finding) for text in said), said


def test_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.runconfig"
    path.write_text("a: b: c")
    assert refuse(path) == [
        ("`a.runconfig`:1: not YAML: no key can stand here", "check the indentation around it")
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"python__userManagedDependencies": True},
        {"docker__baseImage": None, "docker__baseDockerfile": "FROM x"},
        {"docker__baseImage": None, "docker__buildContext": {"locationType": "git"}},
    ],
)
def test_environment_may_do_without_conda(tmp_path: Path, changes: dict[str, object]) -> None:
    path = write(tmp_path / "a.runconfig", document_with(**changes))
    assert definitions.load(path).spec.conda is None
