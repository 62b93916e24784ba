from __future__ import annotations

import hashlib
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from envsync.model.image import BaseImage, ImageSettings, Layer
from envsync.realise.image.config import ImageContent, compose
from envsync.realise.image.docker_archive import dump_archive, holds_archive

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
    parts = dump_archive(image, ["a:1", "b:2"], layers=image.layers, open_layer=_open)
    path.write_bytes(b"".join(parts))
    return path


def test_an_archive_has_manifest_config_and_each_layer_once(
    image: ImageContent, archive: Path
) -> None:
    with tarfile.open(archive) as opened:
        names = opened.getnames()
        manifest = json.loads(opened.extractfile("manifest.json").read())  # type: ignore[union-attr]
        config = opened.extractfile(manifest[0]["Config"]).read()  # type: ignore[union-attr]

    assert len(names) == len(set(names)) == 4
    assert config == image.config
    assert manifest[0]["RepoTags"] == ["a:1", "b:2"]
    assert len(manifest[0]["Layers"]) == 3
    assert set(manifest[0]["Layers"]) <= set(names)


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
