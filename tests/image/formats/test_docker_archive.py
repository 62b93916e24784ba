from __future__ import annotations

import hashlib
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from envsync.image.base.base import FileSource
from envsync.image.formats.config import ImageContent, compose
from envsync.image.formats.docker_archive import dump_archive, holds_archive
from envsync.image.formats.layout import load_index
from envsync.image.formats.manifest import dump_manifest
from envsync.model.image import BaseImage, ImageSettings, Layer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOBS = (b"one" * 1000, b"two", b"one" * 1000)  # the same layer may stand twice


def _layer(content: bytes) -> Layer:
    return Layer(diff_id=f"sha256:{hashlib.sha256(content).hexdigest()}", size=len(content))


def _open(layer: Layer) -> Iterator[bytes]:
    content = next(it for it in _BLOBS if _layer(it) == layer)
    yield content[:7]
    yield content[7:]


@pytest.fixture
def image() -> ImageContent:
    base = BaseImage(name="scratch", id="", os="linux", architecture="amd64")
    return compose(base, ImageSettings(), [_layer(it) for it in _BLOBS], made_at=0)


@pytest.fixture
def archive(image: ImageContent, tmp_path: Path) -> Path:
    path = tmp_path / "image.tar"
    manifest = dump_manifest(image.config, image.layers)
    parts = dump_archive(
        image, ["a:1", "b:2"], layers=image.layers, open_layer=_open, manifest=manifest
    )
    path.write_bytes(b"".join(parts))
    return path


def test_an_archive_has_manifest_config_and_each_layer_once(
    image: ImageContent, archive: Path
) -> None:
    with tarfile.open(archive) as opened:
        names = opened.getnames()
        manifest = json.loads(opened.extractfile("manifest.json").read())  # type: ignore[union-attr]
        config = opened.extractfile(manifest[0]["Config"]).read()  # type: ignore[union-attr]

    assert len(names) == len(set(names)) == 2 + 3 + 2  # Docker's, OCI's, and the layers
    assert config == image.config
    assert manifest[0]["RepoTags"] == ["a:1", "b:2"]
    assert len(manifest[0]["Layers"]) == 3
    assert set(manifest[0]["Layers"]) <= set(names)


def test_an_archive_is_an_oci_layout_too(image: ImageContent, archive: Path) -> None:
    folder = archive.with_name("unpacked")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    source = FileSource(folder, os="linux", architecture="amd64")
    found = source.load()
    index = load_index(folder)

    assert found.id == image.id
    assert [layer.diff_id for layer in found.layers] == [it.diff_id for it in image.layers]
    assert len({entry["digest"] for entry in index["manifests"]}) == 1
    assert [entry["annotations"] for entry in index["manifests"]] == [
        {
            "io.containerd.image.name": f"docker.io/library/{name}:{version}",
            "org.opencontainers.image.ref.name": version,
        }
        for name, version in (("a", "1"), ("b", "2"))
    ]


def test_an_archive_is_known_again(image: ImageContent, archive: Path) -> None:
    assert holds_archive(archive, image, ["a:1", "b:2"])
    assert not holds_archive(archive, image, ["a:1"])
    assert not holds_archive(archive.with_name("nowhere"), image, ["a:1", "b:2"])


@pytest.mark.parametrize(("what", "instead"), [(b"two", b"2wo"), (b"oneone", b"oneon3")])
def test_a_damaged_archive_is_not_believed(
    image: ImageContent, archive: Path, what: bytes, instead: bytes
) -> None:
    whole = archive.read_bytes()
    archive.write_bytes(whole.replace(what, instead, 1))
    assert not holds_archive(archive, image, ["a:1", "b:2"])

    for size in (0, 600, len(whole) // 2):
        archive.write_bytes(whole[:size])
        assert not holds_archive(archive, image, ["a:1", "b:2"])


def test_an_archive_may_leave_out_what_an_engine_has(image: ImageContent) -> None:
    parts = dump_archive(image, [], layers=image.layers[1:2], open_layer=_open)

    assert b"".join(parts).count(b"oneone") == 0
