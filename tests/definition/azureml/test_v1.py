from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.definitions import CONDA, DOCUMENT, document_with, write_definition

from envsync import definition as definitions
from envsync.definition.directory import dump_files
from envsync.errors import DefinitionError
from envsync.model.environment import (
    BuildContext,
    DockerSettings,
    ImageRegistry,
    ManagedIdentity,
    OciPlatform,
    PythonSettings,
    UnknownKey,
)
from envsync.model.json_value import freeze
from envsync.model.text.redaction import Secret

if TYPE_CHECKING:
    from pathlib import Path


def refuse(directory: Path) -> list[tuple[str, str | None]]:
    """Return the findings about *directory*, each with its hint."""
    with pytest.raises(DefinitionError) as caught:
        definitions.load(directory)
    return [
        (finding.text.replace(f"{directory}/", ""), finding.hint)
        for finding in caught.value.findings
    ]


def warn(directory: Path) -> list[tuple[str, str | None]]:
    return [
        (finding.text.replace(f"{directory}/", ""), finding.hint)
        for finding in definitions.load(directory).warnings
    ]


def test_every_key_is_read_into_the_model(tmp_path: Path) -> None:
    document = document_with(
        version="3",
        environmentVariables={"A": "1"},
        python__baseCondaEnvironment="base",
        docker__enabled=True,
        docker__baseImage=None,
        docker__buildContext={"locationType": "git", "location": "https://x#y", "extra": [1]},
        docker__arguments=["--ipc=host"],
        docker__platform={"os": "Windows", "architecture": "arm64"},
        docker__gpuSupport=True,
        docker__baseImageRegistry={
            "address": "example.org",
            "username": "u",
            "password": "FAKE",
            "registryIdentity": {"resourceId": "/r", "clientId": "c"},
        },
        inferencingStackVersion="latest",
        assetId="azureml://x",
        r={"rVersion": "4", "cranPackages": [{"name": "a"}]},
        future={"a": 1},
    )
    directory = write_definition(tmp_path, document)

    read = definitions.load(directory).spec

    assert read.name == "churn"
    assert read.version == "3"
    assert read.directory == directory
    assert [path.name for path in read.files] == [
        "azureml_environment.json",
        "conda_dependencies.yml",
    ]
    assert read.environment_variables == (("A", "1"),)
    assert read.python == PythonSettings(base_conda_environment="base")
    assert read.docker == DockerSettings(enabled=True, shm_size="2g", arguments=("--ipc=host",))
    assert read.platform == OciPlatform(os="Windows", architecture="arm64")
    assert read.base_image is None
    assert read.build_context == BuildContext(location_type="git", location="https://x#y")
    assert read.registry == ImageRegistry(
        address="example.org",
        username="u",
        password=Secret("FAKE"),
        identity=ManagedIdentity(resource_id="/r", client_id="c"),
    )
    assert read.inferencing_stack_version == "latest"
    assert read.asset_id == "azureml://x"
    assert read.unknown_keys == (
        UnknownKey(path=("docker", "buildContext", "extra"), value=(1,)),
        UnknownKey(path=("docker", "gpuSupport"), value=True),
        UnknownKey(path=("future",), value=freeze({"a": 1})),
    )


def test_absent_keys_stand_for_what_the_sdk_takes_them_for(tmp_path: Path) -> None:
    write_definition(tmp_path, {"name": "a", "python": {}})

    text = dump_files(definitions.load(tmp_path).spec)["azureml_environment.json"]

    expected = document_with(
        name="a", environmentVariables={}, docker__baseImage=None, docker__shmSize=None
    )
    assert json.loads(text) == expected


def test_unknown_keys_are_saved_where_they_stood_and_warned_about(tmp_path: Path) -> None:
    document = document_with(
        docker__baseimage="typo:1",
        spark__packages=[{"group": "g", "artifact": "a", "version": "1", "more": 2}],
        spark__extra={},
    )
    write_definition(tmp_path, document)

    assert (
        json.loads(dump_files(definitions.load(tmp_path).spec)["azureml_environment.json"])
        == document
    )
    said = "Azure ML does not know this key; it is kept, not used"
    assert warn(tmp_path) == [
        (f"`azureml_environment.json`:31: docker.baseimage: {said}", "did you mean `baseImage`?"),
        (f"`azureml_environment.json`:40: spark.packages[0].more: {said}", None),
        (f"`azureml_environment.json`:44: spark.extra: {said}", None),
    ]


def test_unknown_key_goes_with_what_it_belonged_to(tmp_path: Path) -> None:
    document = document_with(
        docker__baseImage=None, docker__buildContext={"locationType": "git", "extra": 1}
    )
    read = definitions.load(write_definition(tmp_path, document)).spec

    saved = json.loads(dump_files(replace(read, build_context=None))["azureml_environment.json"])

    assert saved["docker"]["buildContext"] is None


@pytest.mark.parametrize(
    ("changes", "finding", "hint"),
    [
        ({"name": 5}, "`:2: name: a number where text should be", "put it in quotes"),
        ({"name": True}, "`:2: name: a truth value where text should be", "put it in quotes"),
        ({"name": "FAKE\ud800"}, "`:2: name: the text holds half of a surrogate pair", None),
        (
            {"environmentVariables": ["A=1"]},
            "`:4: environmentVariables: a list where an object should be",
            'write `{"NAME": "value"}`',
        ),
        (
            {"environmentVariables": {"A=B": "1"}},
            "`:5: environmentVariables.A=B: the name of a variable holds neither `=` nor U+0000",
            None,
        ),
        (
            {"environmentVariables": {"A\0B": "1"}},
            (
                "`:5: environmentVariables.A\\x00B: "
                "the name of a variable holds neither `=` nor U+0000"
            ),
            None,
        ),
        (
            {"environmentVariables": {"A": "1\0"}},
            "`:5: environmentVariables.A: the value of a variable does not hold U+0000",
            None,
        ),
        (
            {"environmentVariables": {"TOKEN": {"x": "FAKE"}}},
            "`:5: environmentVariables.TOKEN: an object where text should be",
            None,
        ),
        ({"python": []}, "`:7: python: a list where an object should be", None),
        (
            {"docker__enabled": "False"},
            "`:14: docker.enabled: text where `true` or `false` should be",
            "write `false` without quotes",
        ),
        (
            {"docker__enabled": 0},
            "`:14: docker.enabled: a number where `true` or `false` should be",
            None,
        ),
        (
            {"docker__arguments": "--ipc=host"},
            "`:20: docker.arguments: text where a list should be",
            "put it in brackets",
        ),
        (
            {"docker__arguments": {}},
            "`:20: docker.arguments: an object where a list should be",
            None,
        ),
        (
            {"docker__baseDockerfile": "FROM x"},
            "`:13: docker: `baseImage` and `baseDockerfile` exclude each other",
            "keep one, set the rest to null",
        ),
        (
            {"inferencingStackVersion": "1"},
            "`:45: inferencingStackVersion: `1` is not `latest`",
            None,
        ),
        (
            {"docker__baseImage": None, "docker__buildContext": {"location": "x"}},
            "`:17: docker.buildContext: `locationType` is missing",
            None,
        ),
        ({"databricks__cluster": 1}, "`:43: databricks.cluster: not an object", None),
        (
            {"databricks__cluster": {"existingClusterId": "a", "nodeType": "b"}},
            (
                "`:43: databricks.cluster: "
                "with `existingClusterId` no other setting of the cluster can be there"
            ),
            "keep `existingClusterId` or the others",
        ),
        (
            {"python__condaDependencies": {"dependencies": ["a="]}},
            "`:14: python.condaDependencies.dependencies[0]: `a=` is not a match spec",
            "did you mean `a`?",
        ),
        (
            {"python__condaDependencies": {"dependencies": ["python=3.9"]}},
            (
                "`:12: python.condaDependencies: this differs from `conda_dependencies.yml`, which "
                "Azure ML would take in its place"
            ),
            "set it to null, or remove `conda_dependencies.yml`",
        ),
    ],
)
def test_wrong_value_is_refused_with_its_line(
    tmp_path: Path, changes: dict[str, Any], finding: str, hint: str | None
) -> None:
    write_definition(tmp_path, document_with(**changes))

    assert (f"`azureml_environment.json{finding}", hint) in refuse(tmp_path)
    assert "FAKE" not in str(refuse(tmp_path))


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"docker": None}, "`:13: docker: null stands for an empty object"),
        (
            {"environmentVariables": None},
            "`:4: environmentVariables: null stands for an empty object",
        ),
        ({"docker__enabled": None}, "`:14: docker.enabled: null stands for `false`"),
        ({"docker__sharedVolumes": None}, "`:18: docker.sharedVolumes: null stands for `true`"),
        ({"docker__arguments": None}, "`:20: docker.arguments: null stands for an empty list"),
        (
            {"python__interpreterPath": None},
            "`:9: python.interpreterPath: null stands for `python`",
        ),
        (
            {"environmentVariables": {"A": None}},
            "`:5: environmentVariables.A: null stands for empty text",
        ),
    ],
)
def test_null_stands_for_the_default(tmp_path: Path, changes: dict[str, Any], finding: str) -> None:
    write_definition(tmp_path, document_with(**changes))
    assert warn(tmp_path) == [
        (f"`azureml_environment.json{finding}", "remove the key or fill it in")
    ]


def test_cluster_is_kept_though_the_sdk_would_drop_it(tmp_path: Path) -> None:
    document = document_with(databricks__cluster={"nodeType": "a", "existingClusterId": None})
    write_definition(tmp_path, document)

    assert (
        json.loads(dump_files(definitions.load(tmp_path).spec)["azureml_environment.json"])
        == document
    )
    assert warn(tmp_path) == [
        (
            (
                "`azureml_environment.json`:43: databricks.cluster: "
                "azureml-core drops this key when it saves; envsync keeps it"
            ),
            None,
        )
    ]


@pytest.mark.parametrize("text", ["{}", '{"name": "a"}', '{"version": "1", "name": "a"}'])
def test_reference_is_no_definition(tmp_path: Path, text: str) -> None:
    ((finding, hint), *_) = refuse(write_definition(tmp_path, text))
    assert "this is a reference to an environment in a workspace, not a definition" in finding
    assert hint == "download the definition with `Environment.get(...).save_to_directory(...)`"


@pytest.mark.slow
def test_of_very_many_findings_the_first_are_enough(tmp_path: Path) -> None:
    wrong = {f"k{number}": number for number in range(4_000)}
    document = document_with(environmentVariables=wrong) | wrong
    write_definition(tmp_path, document, conda="dependencies:\n" + "- a==b==\n" * 4_000)

    start = time.perf_counter()
    findings = refuse(tmp_path)

    assert time.perf_counter() - start < 2
    assert len(findings) == 402
    more = [finding for finding, _ in findings if "there is more like this" in finding]
    assert more == [
        "`azureml_environment.json`: there is more like this",
        "`conda_dependencies.yml`:202: there is more like this",
    ]


def test_top_level_that_is_no_object_is_refused(tmp_path: Path) -> None:
    assert refuse(write_definition(tmp_path, "[1]")) == [
        ("`azureml_environment.json`: a list where an object should be", None)
    ]


def test_findings_of_all_files_come_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    document = document_with(docker__enabled=1, name=2)
    write_definition(tmp_path, document, conda=CONDA + "- a=\n- b=\n", dockerfile="")

    assert [finding.split(": ")[0] for finding, _ in refuse(tmp_path)] == [
        "`azureml_environment.json`:2",
        "`azureml_environment.json`:14",
        "`azureml_environment.json`:15",
        "`conda_dependencies.yml`:8",
        "`conda_dependencies.yml`:9",
        "`BaseDockerfile`",
    ]


def test_broken_json_does_not_hide_what_else_is_wrong(tmp_path: Path) -> None:
    write_definition(tmp_path, "{", conda="a: b: c", dockerfile="FROM x\n")
    assert [finding.split(": ")[0] for finding, _ in refuse(tmp_path)] == [
        "`azureml_environment.json`:1",
        "`conda_dependencies.yml`:1",
    ]
    (tmp_path / "conda_dependencies.yml").unlink()
    assert len(refuse(tmp_path)) == 1


def test_dockerfile_beside_the_json_is_the_base(tmp_path: Path) -> None:
    document = document_with(docker__baseImage=None)
    write_definition(tmp_path, document, dockerfile="FROM x\r\nRUN y\r\n")

    loaded = definitions.load(tmp_path)

    assert loaded.spec.base_dockerfile == "FROM x\nRUN y\n"
    assert loaded.warnings == ()
    saved = dump_files(loaded.spec)
    assert saved["BaseDockerfile"] == b"FROM x\nRUN y\n"
    assert "baseDockerfile" not in json.loads(saved["azureml_environment.json"])["docker"]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({}, "baseImage"),
        (
            {"docker__baseImage": None, "docker__buildContext": {"locationType": "git"}},
            "buildContext",
        ),
        ({"docker__baseImage": None, "docker__baseDockerfile": "FROM y"}, "baseDockerfile"),
    ],
)
def test_what_a_stale_dockerfile_would_replace_is_refused(
    tmp_path: Path, changes: dict[str, Any], key: str
) -> None:
    write_definition(tmp_path, document_with(**changes), dockerfile="FROM x\n")
    ((finding, hint),) = refuse(tmp_path)
    assert finding.endswith(
        f" docker.{key}: this is there, and `BaseDockerfile` beside it would silently replace it"
    )
    assert hint == "set it to null, or remove `BaseDockerfile`"


def test_same_dockerfile_twice_is_no_contradiction(tmp_path: Path) -> None:
    document = document_with(docker__baseImage=None, docker__baseDockerfile="FROM x\n")
    write_definition(tmp_path, document, dockerfile="FROM x\n")
    assert definitions.load(tmp_path).warnings == ()


def test_dockerfile_is_never_taken_for_a_path(tmp_path: Path) -> None:
    document = document_with(docker__baseImage=None)
    write_definition(tmp_path, document, dockerfile="/etc/hostname")

    assert definitions.load(tmp_path).spec.base_dockerfile == "/etc/hostname"
    assert warn(tmp_path) == [
        ("`BaseDockerfile`: no line starts with `FROM`, so this is no Dockerfile", None)
    ]


def test_dockerfile_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    write_definition(tmp_path, document_with(docker__baseImage=None))
    (tmp_path / "BaseDockerfile").write_bytes(b"FROM \xff\xf0 ")
    assert refuse(tmp_path) == [
        ("`BaseDockerfile`:1: the byte 0xFF is not UTF-8", "save the file as UTF-8")
    ]


def test_inline_dependencies_stand_in_for_the_file(tmp_path: Path) -> None:
    inline = {"name": "x", "dependencies": ["python=3.9", {"pip": ["flask"]}], "channels": ["c"]}
    write_definition(tmp_path, document_with(python__condaDependencies=inline), conda=None)

    loaded = definitions.load(tmp_path)

    assert loaded.spec.conda is not None
    assert loaded.spec.conda.pip_requirements == ("flask",)
    saved = dump_files(loaded.spec)
    assert saved["conda_dependencies.yml"] == (
        b"name: x\ndependencies:\n- python=3.9\n- pip:\n  - flask\nchannels:\n- c\n"
    )
    assert "condaDependencies" not in json.loads(saved["azureml_environment.json"])["python"]


def test_inline_dependencies_that_say_the_same_as_the_file_are_no_contradiction(
    tmp_path: Path,
) -> None:
    inline = {
        "channels": ["conda-forge"],
        "dependencies": ["python=3.10", {"pip": ["azureml-defaults==1.55.0"]}],
    }
    write_definition(tmp_path, document_with(python__condaDependencies=inline))
    assert definitions.load(tmp_path).warnings == ()


@pytest.mark.parametrize(
    "name", ["conda_dependencies (1).yml", "conda_dependencies.yaml", "environment.yml"]
)
def test_lone_companion_of_another_name_is_read_and_said(tmp_path: Path, name: str) -> None:
    write_definition(tmp_path, conda=None)
    (tmp_path / name).write_text(CONDA)

    read = definitions.load(tmp_path).spec

    assert read.conda is not None
    assert read.conda.text == CONDA
    assert read.files[-1] == tmp_path / name
    assert warn(tmp_path) == [
        (
            (
                f"`{name}`: this is read for lack of `conda_dependencies.yml`; "
                "Azure ML would not see it"
            ),
            "rename it to `conda_dependencies.yml`",
        )
    ]


def test_of_two_companions_none_is_guessed(tmp_path: Path) -> None:
    write_definition(tmp_path, conda=None)
    for name in ("environment.yml", "conda_dependencies.yaml"):
        (tmp_path / name).write_text(CONDA)
    assert refuse(tmp_path) == [
        (
            (
                "`azureml_environment.json`: `conda_dependencies.yml` is missing, and "
                "`conda_dependencies.yaml`, `environment.yml` could stand for it"
            ),
            "rename the right one to `conda_dependencies.yml`",
        )
    ]


def test_companion_that_the_json_names_is_the_right_one(tmp_path: Path) -> None:
    write_definition(tmp_path, document_with(python__condaDependenciesFile="mine.yml"), conda=None)
    (tmp_path / "mine.yml").write_text(CONDA)
    (tmp_path / "environment.yml").write_text("dependencies: []")
    assert definitions.load(tmp_path).spec.files[-1] == tmp_path / "mine.yml"


def test_named_file_that_is_not_read_is_said(tmp_path: Path) -> None:
    write_definition(tmp_path, document_with(python__condaDependenciesFile="../x.yml"))
    assert warn(tmp_path) == [
        (
            (
                "`azureml_environment.json`:10: python.condaDependenciesFile: "
                "Azure ML does not read `../x.yml` here, but `conda_dependencies.yml`"
            ),
            "set it to null",
        )
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"python__userManagedDependencies": True},
        {"docker__baseImage": None, "docker__baseDockerfile": "FROM x\n"},
        {"docker__baseImage": None, "docker__buildContext": {"locationType": "git"}},
    ],
)
def test_definition_may_do_without_conda(tmp_path: Path, changes: dict[str, Any]) -> None:
    write_definition(tmp_path, document_with(**changes), conda=None)
    read = definitions.load(tmp_path).spec
    assert read.conda is None
    assert list(dump_files(read))[:1] == ["azureml_environment.json"]


def test_missing_conda_file_is_an_error(tmp_path: Path) -> None:
    assert refuse(write_definition(tmp_path, conda=None)) == [
        (
            (
                "`azureml_environment.json`: `conda_dependencies.yml` is missing, "
                "and the dependencies are not user-managed"
            ),
            "put it beside, or set `userManagedDependencies` to true",
        )
    ]


def test_conda_file_that_is_a_link_outside_is_not_read(tmp_path: Path) -> None:
    directory = write_definition(tmp_path / "definition", conda=None)
    (tmp_path / "outside.yml").write_text(CONDA)
    (directory / "conda_dependencies.yml").symlink_to("../outside.yml")
    assert refuse(directory) == [
        (
            "`conda_dependencies.yml`: a symbolic link out of its directory is not followed",
            "copy the file to where the link is",
        )
    ]


def test_definition_behind_a_linked_directory_is_read(tmp_path: Path) -> None:
    write_definition(tmp_path / "definition")
    (tmp_path / "link").symlink_to("definition")
    assert (
        definitions.load(tmp_path / "link").spec.files[0]
        == tmp_path / "link/azureml_environment.json"
    )


def test_json_file_stands_for_its_directory(tmp_path: Path) -> None:
    write_definition(tmp_path)
    assert definitions.load(tmp_path / "azureml_environment.json") == definitions.load(tmp_path)


def test_real_definition_loads_in_a_few_milliseconds(tmp_path: Path) -> None:
    write_definition(tmp_path, DOCUMENT)
    definitions.load(tmp_path)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        definitions.load(tmp_path)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05  # 5 ms on an idle machine; this one may be busy
