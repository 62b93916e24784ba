from __future__ import annotations

import json
from pathlib import Path

import pytest

from envsync import (
    DEFAULT_CPU_IMAGE,
    ContainerRegistry,
    DefinitionError,
    DockerBuildContext,
    Environment,
    EnvsyncError,
)

YML = "# owner: data-platform\nname: train\ndependencies:\n- python=3.9\n- pip:\n  - joblib==1\n"


def put(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_conda_file_is_taken_as_it_is(tmp_path: Path) -> None:
    file = put(tmp_path / "env.yml", YML.replace("python=3.9", "python=3.9.*"))

    environment = Environment.from_conda_specification("churn", file)

    assert environment.name == "churn"
    assert environment.docker.base_image == DEFAULT_CPU_IMAGE
    assert environment.python.conda_dependencies is not None
    assert environment.python.conda_dependencies.conda_packages == ("python=3.9.*",)
    assert environment.python.conda_dependencies.serialize_to_string() == file.read_text()


def test_a_conda_file_without_python_gets_none_but_a_warning(tmp_path: Path) -> None:
    file = put(tmp_path / "env.yml", "dependencies:\n- numpy\n")

    environment = Environment.from_conda_specification("churn", file)

    assert environment.python.conda_dependencies is not None
    assert environment.python.conda_dependencies.conda_packages == ("numpy",)
    assert [warning.message for warning in environment.origin.warnings] == [
        "no item asks for Python; the Azure ML SDK would add `python=3.10.18`"
    ]


def test_requirements_become_packages_and_options_without_comments(tmp_path: Path) -> None:
    file = put(
        tmp_path / "requirements.txt",
        "# serving\njoblib==1.3.2  # pinned\n\n--index-url https://x.org/simple\n"
        "flask \\\n  ==2.0\n"
        "a==1; python_version<'3.9'\na==2; python_version>='3.9'\n",
    )

    environment = Environment.from_pip_requirements("churn", file, pip_version="23.2")

    dependencies = environment.python.conda_dependencies
    assert dependencies is not None
    assert dependencies.conda_packages == ("python=3.10.18", "pip=23.2")
    assert dependencies.pip_options == ("--index-url https://x.org/simple",)
    assert dependencies.pip_packages == (
        "joblib==1.3.2",
        "flask    ==2.0",
        "a==1; python_version<'3.9'",
        "a==2; python_version>='3.9'",
    )


def test_every_wrong_line_of_requirements_is_said_with_its_number(tmp_path: Path) -> None:
    file = put(tmp_path / "requirements.txt", "joblib\nnumpy=1\n\n--indx-url x\n")

    with pytest.raises(DefinitionError) as caught:
        Environment.from_pip_requirements("churn", file)

    assert [(finding.line, finding.hint) for finding in caught.value.findings] == [
        (2, "did you mean `numpy==1`?"),
        (4, "did you mean `--index-url`?"),
    ]


def test_an_image_brings_its_python_unless_packages_are_given(tmp_path: Path) -> None:
    registry = ContainerRegistry(address="acme.azurecr.io")

    plain = Environment.from_docker_image("a", "base:1", container_registry=registry)
    layered = Environment.from_docker_image(
        "b", "base:1", conda_specification=put(tmp_path / "env.yml", YML)
    )

    assert plain.docker.base_image == layered.docker.base_image == "base:1"
    assert plain.docker.base_image_registry is registry
    assert plain.python.user_managed_dependencies
    assert plain.python.conda_dependencies is None
    assert not layered.python.user_managed_dependencies
    assert layered.python.conda_dependencies is not None


def test_two_sources_of_packages_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="exclude each other"):
        Environment.from_docker_image(
            "a", "base:1", conda_specification=tmp_path, pip_requirements=tmp_path
        )


def test_a_dockerfile_takes_the_place_of_the_image(tmp_path: Path) -> None:
    text = "FROM ubuntu:22.04\n"
    path = put(tmp_path / "Dockerfile", text)

    for given in (text, str(path), path):
        environment = Environment.from_dockerfile("a", given)
        assert environment.docker.base_dockerfile == text
        assert environment.docker.base_image is None

    layered = Environment.from_dockerfile(
        "a", path, pip_requirements=put(tmp_path / "r.txt", "joblib==1\n")
    )
    layered.save_to_directory(tmp_path / "d")
    assert (tmp_path / "d/BaseDockerfile").read_text() == text
    loaded = Environment.load_from_directory(tmp_path / "d")
    assert loaded.docker.base_dockerfile == text
    assert loaded.python == layered.python


def test_a_build_context_needs_neither_image_nor_packages(tmp_path: Path) -> None:
    context = DockerBuildContext(DockerBuildContext.LocationType.Git, "https://x.org/a.git", "D")

    environment = Environment.from_docker_build_context("a", context)
    environment.save_to_directory(tmp_path / "d")

    loaded = Environment.load_from_directory(tmp_path / "d")
    assert loaded.docker.build_context == context
    assert loaded.docker.base_image is None
    assert loaded.python.conda_dependencies is None


def test_an_environment_of_a_workspace_says_how_to_get_it() -> None:
    with pytest.raises(EnvsyncError, match="no workspace to get `churn` from") as caught:
        Environment.get(object(), "churn", version="3")
    assert "load_from_directory" in (caught.value.hint or "")


def make_prefix(path: Path) -> Path:
    (path / "conda-meta").mkdir(parents=True)
    record = {
        "name": "python", "version": "3.9.18", "build": "0", "build_number": 0, "depends": [],
        "channel": "https://conda.anaconda.org/conda-forge/linux-64", "subdir": "linux-64",
        "fn": "python-3.9.18-0.conda", "requested_spec": "python=3.9", "files": [],
    }  # fmt: skip
    put(path / "conda-meta/python-3.9.18-0.json", json.dumps(record))
    return path


def register(*prefixes: Path) -> None:
    registry = Path.home() / ".conda/environments.txt"
    registry.parent.mkdir(exist_ok=True)
    put(registry, "".join(f"{prefix}\n" for prefix in prefixes))


def test_an_existing_environment_is_found_by_path_or_by_name(
    tmp_path: Path, private_home: Path
) -> None:
    train = make_prefix(tmp_path / "train")
    make_prefix(private_home / ".envsync/envs/own")
    register(tmp_path / "gone/train", tmp_path / "other", train)

    for named in (train, str(train), "train", "own"):
        environment = Environment.from_existing_conda_environment("churn", named)

        assert environment.name == "churn"
        assert environment.docker.base_image == DEFAULT_CPU_IMAGE
        assert environment.python.conda_dependencies is not None
        assert environment.python.conda_dependencies.conda_packages == ("python=3.9",)
        assert environment.origin.source is None


def test_a_name_that_means_two_environments_or_none_is_refused(tmp_path: Path) -> None:
    one, two = make_prefix(tmp_path / "1/train"), make_prefix(tmp_path / "2/train")
    register(one, two)

    with pytest.raises(DefinitionError, match="are both called `train`") as caught:
        Environment.from_existing_conda_environment("churn", "train")
    assert caught.value.hint == "give the path of one"
    with pytest.raises(DefinitionError, match="There is no conda environment `trainer`"):
        Environment.from_existing_conda_environment("churn", "trainer")
    with pytest.raises(DefinitionError, match="is no conda environment"):
        Environment.from_existing_conda_environment("churn", tmp_path)
