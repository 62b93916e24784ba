from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envsync import DefinitionError, DockerBuildContext, DockerSection
from envsync.sdk.environment.sections import read_dockerfile

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = {
    "base_image": "base:1",
    "base_dockerfile": "FROM ubuntu:22.04\n",
    "build_context": DockerBuildContext("git", "https://x.org/a.git"),
}


@pytest.mark.parametrize("first", SOURCES)
@pytest.mark.parametrize("second", SOURCES)
def test_what_the_image_starts_from_is_one_thing(first: str, second: str) -> None:
    docker = DockerSection()

    setattr(docker, first, SOURCES[first])
    setattr(docker, second, SOURCES[second])

    there = {name for name in SOURCES if getattr(docker, name) is not None}
    assert there == {second}


def test_taking_one_back_leaves_the_others() -> None:
    docker = DockerSection()

    docker.base_dockerfile = None
    docker.build_context = None

    assert docker.base_image is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a", "FROM a"),
        ("from a", "from a"),
        ("# syntax=docker/dockerfile:1\r\nFROM a\r\n", "# syntax=docker/dockerfile:1\nFROM a\n"),
    ],
)
def test_text_is_a_dockerfile(text: str, expected: str) -> None:
    assert read_dockerfile(text) == expected


def test_text_is_never_taken_for_a_file_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FROM a").write_text("FROM b\n")

    assert read_dockerfile("FROM a") == "FROM a"


def test_a_path_is_read_and_has_to_be_there(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile.gpu"
    path.write_bytes(b"FROM a\r\n")

    assert read_dockerfile(path) == "FROM a\n"
    assert read_dockerfile(str(path)) == "FROM a\n"

    for missing in ("Dockerfile.cpu", tmp_path / "Dockerfile.cpu"):
        with pytest.raises(DefinitionError):
            read_dockerfile(missing)
    with pytest.raises(
        DefinitionError, match="neither a file nor the text of a Dockerfile"
    ) as caught:
        read_dockerfile("Dockerfile.cpu")
    assert caught.value.hint == "a Dockerfile's text begins with `FROM`, or has more than one line"


def test_gpu_support_is_warned_about_and_not_kept() -> None:
    docker = DockerSection()

    with pytest.warns(UserWarning, match="choose a base image with CUDA"):
        docker.gpu_support = True

    assert not docker.gpu_support
    assert docker == DockerSection()
