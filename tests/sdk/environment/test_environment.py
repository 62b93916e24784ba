from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.definitions import document_with, write_definition

from envsync import (
    DEFAULT_CPU_IMAGE,
    CondaDependencies,
    DefinitionError,
    DockerBuildContext,
    Environment,
    SparkPackage,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

YML = "# owner: data-platform\nname: train\ndependencies:\n- python=3.9\n- pip:\n  - joblib==1\n"


def put(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def read_json(directory: Path) -> dict[str, object]:
    document: dict[str, object] = json.loads((directory / "azureml_environment.json").read_text())
    return document


def test_a_new_environment_has_the_defaults_of_the_sdk_but_its_example_variable() -> None:
    environment = Environment("churn")

    assert environment.name == "churn"
    assert environment.version is None
    assert environment.environment_variables == {}
    assert environment.python.interpreter_path == "python"
    assert not environment.python.user_managed_dependencies
    assert environment.python.conda_dependencies == CondaDependencies()
    assert environment.docker.base_image == DEFAULT_CPU_IMAGE
    assert environment.docker.shm_size == "2g"
    assert environment.docker.platform.os == "Linux"
    assert environment.spark.precache_packages
    assert environment.r is None
    assert environment.inferencing_stack_version is None


def test_two_environments_share_nothing() -> None:
    one, other = Environment("one"), Environment("other")

    one.environment_variables["A"] = "1"
    one.docker.arguments.append("--ipc=host")
    one.docker.base_image_registry.address = "acme.azurecr.io"
    assert one.python.conda_dependencies is not None
    one.python.conda_dependencies.add_conda_package("numpy")

    assert other.environment_variables == {}
    assert other.docker.arguments == []
    assert other.docker.base_image_registry.address is None
    assert other.python.conda_dependencies == CondaDependencies()


@pytest.mark.parametrize("name", ["", "  ", None, 5])
def test_an_environment_needs_a_name(name: str) -> None:
    with pytest.raises(DefinitionError, match="where the name of an environment should be"):
        Environment(name)


def test_a_misspelt_attribute_cannot_be_set() -> None:
    environment = Environment("churn")

    with pytest.raises(AttributeError):
        environment.docker.base_imge = "x"  # type: ignore[attr-defined]  # the point of the test
    with pytest.raises(AttributeError):
        environment.environment_variable = {}  # type: ignore[attr-defined]  # likewise
    with pytest.raises(AttributeError):
        environment.python.user_managed = True  # type: ignore[attr-defined]  # likewise


def test_saving_and_loading_keeps_every_attribute(tmp_path: Path) -> None:
    environment = Environment("churn")
    environment.version = "7"
    environment.environment_variables = {"MODE": "fast", "ÜNÏ": "日本"}
    environment.python.interpreter_path = "/opt/python"
    environment.docker.base_image = "acme.azurecr.io/base:1"
    environment.docker.arguments = ["--ipc=host"]
    environment.docker.base_image_registry.address = "acme.azurecr.io"
    environment.docker.base_image_registry.password = "FAKE"  # noqa: S105  # made up
    environment.spark.packages = [SparkPackage("org.apache.spark", "spark-avro_2.12", "3.0.1")]
    environment.inferencing_stack_version = "latest"

    assert environment.save_to_directory(tmp_path / "d") == ()
    loaded = Environment.load_from_directory(tmp_path / "d")

    assert loaded.environment_variables == environment.environment_variables
    assert loaded.python == environment.python
    assert loaded.docker == environment.docker
    assert loaded.spark == environment.spark
    assert loaded.to_spec().registry == environment.to_spec().registry
    assert loaded.inferencing_stack_version == "latest"
    assert loaded.version == "7"


def test_unknown_keys_are_kept_and_said(tmp_path: Path) -> None:
    document = document_with(docker__gpuSuport=True)
    document["stage"] = {"of": ["the", "rocket"]}
    document["spark"]["packages"] = [{"group": "a", "artifact": "b", "version": "c", "d": 1}]
    write_definition(tmp_path / "d", document)

    environment = Environment.load_from_directory(tmp_path / "d")
    environment.environment_variables["NEW"] = "1"
    environment.save_to_directory(tmp_path / "e")

    saved = read_json(tmp_path / "e")
    assert saved["stage"] == {"of": ["the", "rocket"]}
    assert saved["docker"]["gpuSuport"] is True  # type: ignore[index]  # an object
    assert saved["spark"] == document["spark"]
    assert {warning.key_path for warning in environment.origin.warnings} >= {"docker.gpuSuport"}


def test_an_existing_directory_is_overwritten_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    environment = Environment("churn")

    with pytest.raises(DefinitionError, match="already exists") as caught:
        environment.save_to_directory(tmp_path / "d")
    assert caught.value.hint == "pass `overwrite=True`"

    environment.save_to_directory(str(tmp_path / "d"), overwrite=True)
    assert read_json(tmp_path / "d")["name"] == "churn"


def test_comments_of_a_loaded_file_survive_a_change(tmp_path: Path) -> None:
    write_definition(tmp_path / "d", conda=YML)
    environment = Environment.load_from_directory(tmp_path / "d")

    assert environment.python.conda_dependencies is not None
    environment.python.conda_dependencies.add_pip_package("joblib==2")
    environment.save_to_directory(tmp_path / "d", overwrite=True)

    saved = (tmp_path / "d/conda_dependencies.yml").read_text()
    assert saved == YML.replace("joblib==1", "joblib==2")


WRONG: list[tuple[Callable[[Environment], None], str]] = [
    (lambda e: setattr(e.docker, "shm_size", 2), "docker.shm_size: a number where text should be"),
    (lambda e: setattr(e.docker, "arguments", "-it"), "docker.arguments: text where a list"),
    (lambda e: setattr(e.python, "user_managed_dependencies", "false"),
     "python.user_managed_dependencies: text where `true` or `false` should be"),
    (lambda e: setattr(e, "environment_variables", {"nThreads": 4}),
     "environment_variables.nThreads: a number where text should be"),
    (lambda e: setattr(e, "inferencing_stack_version", "newest"),
     "inferencing_stack_version: `newest` is not `latest`"),
    (lambda e: setattr(e, "version", 1.10), "version: a number where text should be"),
    (lambda e: setattr(e.python, "conda_dependencies", {"dependencies": []}),
     "python.conda_dependencies: a dict is not one"),
    (lambda e: setattr(e.docker, "build_context", DockerBuildContext("Git", "https://x.org/a")),
     "docker.build_context.location_type: `Git` is not `git` or `storageAccount`"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "finding"), WRONG)
def test_a_value_that_a_definition_cannot_hold_is_named_by_its_attribute(
    change: Callable[[Environment], None], finding: str, tmp_path: Path
) -> None:
    environment = Environment("churn")
    change(environment)

    with pytest.raises(DefinitionError) as caught:
        environment.save_to_directory(tmp_path / "d")

    assert caught.value.message.startswith(f"`churn`: {finding}")
    assert not (tmp_path / "d").exists()


def test_all_wrong_attributes_are_said_at_once() -> None:
    environment = Environment("churn")
    environment.docker.shm_size = 2  # type: ignore[assignment]  # the point of the test
    environment.version = 3  # type: ignore[assignment]  # likewise

    with pytest.raises(DefinitionError) as caught:
        environment.to_spec()

    assert [finding.key_path for finding in caught.value.findings] == ["version", "docker.shm_size"]


def test_a_clone_has_a_name_of_its_own_and_no_version(tmp_path: Path) -> None:
    write_definition(tmp_path / "d", document_with(version="3", assetId="azureml://x"))
    environment = Environment.load_from_directory(tmp_path / "d")

    clone = environment.clone("other")
    clone.docker.arguments.append("--ipc=host")

    assert (clone.name, clone.version, clone.asset_id) == ("other", None, None)
    assert clone.origin.source is None
    assert clone.python.conda_dependencies == environment.python.conda_dependencies
    assert environment.docker.arguments == []
    assert environment.version == "3"


def test_repr_shows_no_secret() -> None:
    environment = Environment("churn")
    environment.environment_variables["KEY"] = "FAKE-1"
    environment.docker.arguments = ["-e", "TOKEN=FAKE-2"]
    environment.docker.base_image_registry.username = "FAKE-3"
    environment.docker.base_image_registry.password = "FAKE-4"  # noqa: S105  # made up
    assert environment.python.conda_dependencies is not None
    environment.python.conda_dependencies.set_pip_index_url("https://u:FAKE-5@x.org/simple")

    assert repr(environment) == "Environment(name='churn', version=None)"
    for part in (environment, environment.docker, environment.python, environment.to_spec()):
        assert "FAKE" not in f"{part!r} {part}"


def test_a_v2_definition_says_what_v1_cannot_hold(tmp_path: Path) -> None:
    file = put(
        tmp_path / "env.yml",
        "name: churn\nversion: '3'\nimage: base:1\ntags: {team: data}\n"
        "conda_file: {dependencies: [python=3.9]}\n",
    )
    environment = Environment.load_from_directory(file)

    losses = environment.save_to_directory(tmp_path / "d")

    assert environment.docker.base_image == "base:1"
    assert [loss.key_path for loss in losses] == ["tags"]
    assert environment.origin.source == file  # for the directory says less
    assert Environment.load_from_directory(tmp_path / "d").version == "3"


def test_a_folder_as_build_context_is_kept_in_memory(tmp_path: Path) -> None:
    (tmp_path / "ctx").mkdir()
    put(tmp_path / "ctx/Dockerfile", "FROM ubuntu:22.04\n")
    file = put(tmp_path / "env.yml", "name: churn\nbuild: {path: ctx}\n")
    environment = Environment.load_from_directory(file)

    context = environment.to_spec().build_context

    assert context is not None
    assert (context.location_type, context.location) == ("local", "ctx")


@pytest.mark.parametrize("name", ["-rf", "..", "a\nb", "a" * 256])
def test_a_name_that_no_environment_can_have_is_refused(name: str) -> None:
    environment = Environment("churn")
    environment.name = name

    for make in (lambda: Environment(name), lambda: Environment("x").clone(name)):
        with pytest.raises(DefinitionError, match="can't be the name of an environment"):
            make()
    with pytest.raises(DefinitionError, match="can't be the name of an environment"):
        environment.to_spec()
