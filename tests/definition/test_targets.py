from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.definitions import CONDA, document_with, write_definition

from envsync import definition as definitions
from envsync.definition.losses import find_losses
from envsync.definition.targets import (
    DEFAULT_IMAGE,
    hold_in_environment_yml,
    hold_in_v1,
    hold_in_v2,
    with_image,
)
from envsync.errors import DefinitionError

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.model.environment import EnvironmentSpec


def load_v1(directory: Path, conda: str | None = CONDA, **changes: object) -> EnvironmentSpec:
    return definitions.load(write_definition(directory, document_with(**changes), conda=conda)).spec


def load_text(path: Path, text: str) -> EnvironmentSpec:
    path.write_text(text)
    return definitions.load(path).spec


@pytest.mark.parametrize(
    ("image", "address", "expected"),
    [
        ("team/base:1", "acme.io", "acme.io/team/base:1"),
        ("base:1", "acme.io/", "acme.io/base:1"),
        ("/base:1", "acme.io", "acme.io/base:1"),
        ("acme.io/base:1", "acme.io", "acme.io/base:1"),
        ("other.io/base:1", "acme.io", "other.io/base:1"),
        ("localhost/base:1", "acme.io", "localhost/base:1"),
        ("base:1", None, "base:1"),
    ],
)
def test_image_in_v2_carries_its_registry(
    tmp_path: Path, image: str, address: str | None, expected: str
) -> None:
    registry = {"address": address, "username": None, "password": None}
    loaded = load_v1(tmp_path, docker__baseImage=image, docker__baseImageRegistry=registry)

    assert hold_in_v2(loaded, directory=tmp_path).base_image == expected


def test_v2_gets_the_image_of_the_sdk_where_only_conda_dependencies_are_said(
    tmp_path: Path,
) -> None:
    loaded = load_text(tmp_path / "a.yml", "dependencies: [python=3.10]\n")

    held = hold_in_v2(loaded, directory=tmp_path)

    assert held.base_image == DEFAULT_IMAGE
    assert held.conda == loaded.conda


def test_v2_is_refused_where_the_python_of_an_unknown_image_counts(tmp_path: Path) -> None:
    loaded = load_v1(
        tmp_path, conda=None, docker__baseImage=None, python__userManagedDependencies=True
    )

    with pytest.raises(DefinitionError, match="names no image, which a v2 definition needs"):
        hold_in_v2(loaded, directory=tmp_path)


@pytest.mark.parametrize("location", ["git@github.com:acme/images.git", None])
def test_build_context_that_is_no_http_address_is_refused_in_v2(
    tmp_path: Path, location: str | None
) -> None:
    context = {"locationType": "git", "location": location, "dockerfilePath": "D"}
    loaded = load_v1(tmp_path, conda=None, docker__baseImage=None, docker__buildContext=context)

    with pytest.raises(DefinitionError, match="v2 takes only an http address here"):
        hold_in_v2(loaded, directory=tmp_path)


def test_folder_of_a_build_context_is_named_from_where_the_new_file_lies(tmp_path: Path) -> None:
    (tmp_path / "ctx").mkdir()
    (tmp_path / "ctx/Dockerfile").write_text("FROM x\n")
    loaded = load_text(tmp_path / "a.yml", "name: a\nbuild: {path: ctx}\n")

    here = hold_in_v2(loaded, directory=tmp_path)
    there = hold_in_v2(loaded, directory=tmp_path / "v2")

    assert here.build_context is not None
    assert here.build_context.location == "ctx"
    assert there.build_context is not None
    assert there.build_context.location == str(tmp_path / "ctx")
    assert find_losses(loaded, here, target="a v2 definition") == ()
    losses = find_losses(loaded, there, target="a v2 definition")
    assert [(f.key_path, f.hint) for f in losses] == [
        ("build.path", "write the files beside the source")
    ]


@pytest.mark.parametrize("location", ["../elsewhere", "a\0b"])
def test_dockerfile_outside_the_definition_is_not_read(tmp_path: Path, location: str) -> None:
    loaded = load_text(tmp_path / "a.yml", "name: a\nbuild: {path: ../elsewhere}\n")
    assert loaded.build_context is not None
    moved = replace(loaded, build_context=replace(loaded.build_context, location=location))

    with pytest.raises(DefinitionError, match="lies outside the definition's directory"):
        hold_in_v1(moved)


def test_v2_file_gives_v1_all_but_its_own_keys(tmp_path: Path) -> None:
    text = "name: a\nversion: '1.10'\nimage: b\ntags: {a: 1}\nos_type: windows\n"
    loaded = load_text(tmp_path / "a.yml", text)

    held = hold_in_v1(loaded)

    assert held == replace(loaded, azureml_v2=None)
    losses = find_losses(loaded, held, target="a v1 directory")
    assert [f.key_path for f in losses] == ["tags"]


def test_v2_needs_a_name_and_gets_the_nearest(tmp_path: Path) -> None:
    loaded = load_v1(tmp_path, name=" ")

    assert hold_in_v2(loaded, directory=tmp_path).name == "churn"
    assert hold_in_v2(replace(loaded, conda=None), directory=tmp_path).name == tmp_path.name


def test_another_image_may_be_named_where_none_is_built(tmp_path: Path) -> None:
    loaded = load_v1(tmp_path)
    built = replace(loaded, base_image=None, base_dockerfile="FROM x")

    assert with_image(loaded, "other:1") == replace(loaded, base_image="other:1")
    assert with_image(loaded, None) == loaded
    assert with_image(built, None) == built
    with pytest.raises(DefinitionError, match="builds its image, so none can be named"):
        with_image(built, "other:1")


def test_a_conda_environment_file_has_no_place_for_an_image(tmp_path: Path) -> None:
    loaded = load_v1(tmp_path)

    held = hold_in_environment_yml(loaded)

    assert (held.conda, held.base_image) == (loaded.conda, None)
    losses = find_losses(loaded, held, target="a conda environment file")
    image = next(finding for finding in losses if finding.key_path == "docker.baseImage")
    assert image.message == "a conda environment file has no place for this"


def test_an_image_that_is_written_otherwise_is_said(tmp_path: Path) -> None:
    loaded = load_v1(tmp_path, nmae="typo")

    (loss,) = find_losses(loaded, with_image(loaded, "other:1"), target="a v1 directory")

    assert (loss.key_path, loss.message) == ("docker.baseImage", "`other:1` is written")
