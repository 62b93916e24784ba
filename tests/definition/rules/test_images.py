from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envsync.definition.rules.images import (
    check_floating_image,
    check_image_can_exist,
    check_retired_image,
    split_reference,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MCR = "mcr.microsoft.com/azureml"
AT = "azureml_environment.json:15:22: docker.baseImage:"
TOMORROW = "so another image may have this name tomorrow"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("debian", ("debian", "", "")),
        ("debian:12", ("debian", "12", "")),
        ("host:5000/a/b", ("host:5000/a/b", "", "")),
        ("host:5000/a/b:c", ("host:5000/a/b", "c", "")),
        ("a@sha256:0", ("a", "", "sha256:0")),
        (" a:b@sha256:0 ", ("a", "b", "sha256:0")),
    ],
)
def test_a_reference_has_a_name_a_tag_and_a_digest(text: str, parts: tuple[str, str, str]) -> None:
    assert split_reference(text) == parts


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("debian", f"`debian` has no tag, {TOMORROW}"),
        ("e.org:5000/a", f"`e.org:5000/a` has no tag, {TOMORROW}"),
        ("debian:latest", f"`debian:latest` has the tag `latest`, {TOMORROW}"),
        (
            f"{MCR}/openmpi4.1.0-ubuntu20.04",
            (
                f"`{MCR}/openmpi4.1.0-ubuntu20.04` has no tag, {TOMORROW}; "
                "azureml-core 1.60 writes it so by itself"
            ),
        ),
    ],
)
def test_image_that_may_change_is_found(
    look: Callable[..., list[str]], image: str, message: str
) -> None:
    found = look(check_floating_image, docker__baseImage=image)

    assert found == [f"warning floating-image {AT} {message}"]


@pytest.mark.parametrize("image", ["debian:12", "a:latest@sha256:0", "", None])
def test_image_that_is_pinned_is_fine(look: Callable[..., list[str]], image: str | None) -> None:
    assert look(check_floating_image, docker__baseImage=image) == []


DOCKERFILE = """\
# FROM old
FROM --platform=linux/amd64 debian AS build
from scratch
FROM build
ARG BASE=x
FROM ${BASE}
FROM python:latest
"""


def test_images_of_a_dockerfile_are_found_on_their_lines(look: Callable[..., list[str]]) -> None:
    found = look(check_floating_image, docker__baseImage=None, dockerfile=DOCKERFILE)

    assert found == [
        f"warning floating-image BaseDockerfile:2:29: `debian` has no tag, {TOMORROW}",
        (
            "warning floating-image BaseDockerfile:7:6: "
            f"`python:latest` has the tag `latest`, {TOMORROW}"
        ),
    ]


def test_images_of_an_inline_dockerfile_are_found_at_its_key(
    look: Callable[..., list[str]],
) -> None:
    found = look(check_floating_image, docker__baseImage=None, docker__baseDockerfile=DOCKERFILE)

    assert [line.partition(" docker.")[0] for line in found] == [
        "warning floating-image azureml_environment.json:16:27:",
        "warning floating-image azureml_environment.json:16:27:",
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("base:intelmpi2018.3-ubuntu16.04", "Azure ML no longer mends images on Ubuntu 16.04"),
        ("openmpi3.1.2-ubuntu18.04:2022", "Azure ML no longer mends images on Ubuntu 18.04"),
        ("openmpi4.1.0-ubuntu20.04:2023", "Azure ML no longer mends images on Ubuntu 20.04"),
        ("openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04:1", "Azure ML has given this image up"),
        (
            "curated/sklearn-0.24-ubuntu18.04-py37-cpu:1",
            "Azure ML has withdrawn its images for this Python",
        ),
    ],
)
def test_image_that_azureml_gave_up_is_found(
    look: Callable[..., list[str]], name: str, message: str
) -> None:
    found = look(check_retired_image, docker__baseImage=f"{MCR}/{name}")

    assert found == [f"warning retired-image {AT} {message}"]


@pytest.mark.parametrize(
    "image", [f"{MCR}/openmpi4.1.0-ubuntu22.04:20251130.v1", "acme/ubuntu16.04:1"]
)
def test_other_images_are_fine(look: Callable[..., list[str]], image: str) -> None:
    assert look(check_retired_image, docker__baseImage=image) == []


@pytest.mark.parametrize(
    "image", ["-v", "--privileged", "a b", "Upper/Case", "a:", "a/../b", "a:-b"]
)
def test_image_that_no_registry_can_have_is_an_error(
    look: Callable[..., list[str]], image: str
) -> None:
    (found,) = look(check_image_can_exist, docker__baseImage=image)

    assert found.startswith(f"error impossible-image {AT} `{image}` is not an image reference: ")


@pytest.mark.parametrize("image", ["debian:12", " a/b ", "./base.tar", "oci:Base", "", None])
def test_image_that_can_be_had_is_no_error(
    look: Callable[..., list[str]], image: str | None
) -> None:
    assert look(check_image_can_exist, docker__baseImage=image) == []


def test_images_of_a_dockerfile_are_left_to_docker(look: Callable[..., list[str]]) -> None:
    dockerfile = "FROM Upper/Case:{{tag}}\n"

    assert look(check_image_can_exist, docker__baseImage=None, dockerfile=dockerfile) == []
