from __future__ import annotations

from dataclasses import replace

import pytest

from envsync.errors import DefinitionError
from envsync.model.image import Layer, parse_reference

_DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "registry", "repository", "version", "shown"),
    [
        ("ubuntu", "docker.io", "library/ubuntu", "latest", "ubuntu"),
        ("ubuntu:22.04", "docker.io", "library/ubuntu", "22.04", "ubuntu:22.04"),
        ("team/x", "docker.io", "team/x", "latest", "team/x"),
        ("index.docker.io/team/x", "docker.io", "team/x", "latest", "team/x"),
        ("docker.io/ubuntu", "docker.io", "library/ubuntu", "latest", "ubuntu"),
        ("registry-1.docker.io/a/b", "docker.io", "a/b", "latest", "a/b"),
        ("localhost/x:1", "localhost", "x", "1", "localhost/x:1"),
        ("127.0.0.1:5000/a/b:1", "127.0.0.1:5000", "a/b", "1", "127.0.0.1:5000/a/b:1"),
        (
            f"mcr.microsoft.com/azureml/base:1@{_DIGEST}",
            "mcr.microsoft.com",
            "azureml/base",
            _DIGEST,
            f"mcr.microsoft.com/azureml/base:1@{_DIGEST}",
        ),
    ],
)
def test_references_are_read_as_docker_reads_them(
    text: str, registry: str, repository: str, version: str, shown: str
) -> None:
    reference = parse_reference(text)

    assert (reference.registry, reference.repository) == (registry, repository)
    assert (reference.version, str(reference)) == (version, shown)


@pytest.mark.parametrize(
    "text",
    ["", "A", "a b", "a:", "a:b c", "a@sha256:1", "/a", "a//b", "a:" + "x" * 129, "-a", "a/../b"],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(DefinitionError, match="is not an image reference"):
        parse_reference(text)


@pytest.mark.parametrize(
    "text",
    ["u:hunter2@r.example/a:1", "https://u:hunter2@r.example/a", "a?sig=hunter2", "u:hu@nter2@r/a"],
)
def test_a_secret_in_what_is_no_reference_is_not_repeated(text: str) -> None:
    with pytest.raises(DefinitionError, match="no place for a user") as caught:
        parse_reference(text)

    assert "hu" not in caught.value.message


def test_a_layer_without_its_compressed_form_is_the_same_layer() -> None:
    layer = Layer(diff_id=_DIGEST, size=9, created_by="x")
    compressed = replace(layer, digest=_DIGEST, media_type="a/b", compressed_size=5)

    assert compressed.plain == layer
    assert layer.plain == layer
