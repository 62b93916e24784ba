from __future__ import annotations

import gzip
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from envsync.errors import EnvsyncError
from envsync.image.formats.config import ImageContent, compose
from envsync.image.formats.layout import load_index, write_layout
from envsync.image.formats.manifest import blob_path
from envsync.image.store.layer_cache import GZIP
from envsync.model.image import BaseImage, ImageSettings, Layer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture
def layer(tmp_path: Path) -> Callable[[str], Layer]:
    """Return a layer, whose compressed form lies beside the test."""

    def make(text: str) -> Layer:
        plain = text.encode() * 100
        packed = gzip.compress(plain, mtime=0)
        (tmp_path / _digest(packed).removeprefix("sha256:")).write_bytes(packed)
        return Layer(
            diff_id=_digest(plain),
            size=len(plain),
            digest=_digest(packed),
            media_type=GZIP,
            compressed_size=len(packed),
        )

    return make


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., tuple[str, ...]]:
    """Put an image of some layers into the layout `layout`; return what was copied."""

    def write(*layers: Layer, references: Sequence[str] = ("image:1",)) -> tuple[str, ...]:
        written = write_layout(
            tmp_path / "layout",
            _image(*layers),
            layers=layers,
            references=references,
            find_blob=lambda digest: tmp_path / digest.removeprefix("sha256:"),
        )
        assert written.digest in {
            it["digest"] for it in load_index(tmp_path / "layout")["manifests"]
        }
        return written.copied

    return write


def _image(*layers: Layer) -> ImageContent:
    base = BaseImage(name="scratch", id="", os="linux", architecture="amd64")
    return compose(base, ImageSettings(command=("sh",)), layers, made_at=0)


def _list_blobs(layout: Path) -> set[str]:
    return {f"sha256:{path.name}" for path in (layout / "blobs" / "sha256").iterdir()}


def test_a_layout_has_the_image_and_every_part_of_it(
    put: Callable[..., tuple[str, ...]], layer: Callable[[str], Layer], tmp_path: Path
) -> None:
    layers = layer("one"), layer("two")
    copied = put(*layers)
    layout = tmp_path / "layout"
    entry: dict[str, Any] = load_index(layout)["manifests"][0]
    manifest = json.loads((layout / blob_path(entry["digest"])).read_bytes())

    assert entry["platform"] == {"os": "linux", "architecture": "amd64"}
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": "image:1"}
    assert manifest["config"]["digest"] == _image(*layers).id
    assert [part["digest"] for part in manifest["layers"]] == [it.digest for it in layers]
    assert set(copied) == _list_blobs(layout)
    for digest in copied:
        assert _digest((layout / blob_path(digest)).read_bytes()) == digest
    assert json.loads((layout / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}


def test_what_is_there_is_not_copied_again_and_what_is_damaged_is(
    put: Callable[..., tuple[str, ...]], layer: Callable[[str], Layer], tmp_path: Path
) -> None:
    one, two = layer("one"), layer("two")
    put(one, two)
    assert put(one, two) == ()
    assert two.digest is not None
    (tmp_path / "layout" / blob_path(two.digest)).write_bytes(b"damaged")

    assert put(one, two) == (two.digest,)


def test_an_image_takes_the_place_of_its_namesake_and_others_stay(
    put: Callable[..., tuple[str, ...]], layer: Callable[[str], Layer], tmp_path: Path
) -> None:
    shared, old, new = layer("shared"), layer("old"), layer("new")
    put(shared, old)
    put(shared, layer("other"), references=("other:1",))
    put(shared, new)
    names = [
        it["annotations"]["org.opencontainers.image.ref.name"]
        for it in load_index(tmp_path / "layout")["manifests"]
    ]
    blobs = _list_blobs(tmp_path / "layout")

    assert sorted(names) == ["image:1", "other:1"]
    assert old.digest not in blobs
    assert {shared.digest, new.digest, layer("other").digest} <= blobs


def test_parts_of_an_index_within_the_index_stay(
    put: Callable[..., tuple[str, ...]], layer: Callable[[str], Layer], tmp_path: Path
) -> None:
    put(layer("kept"))
    path = tmp_path / "layout" / "index.json"
    inner = path.read_bytes()
    (tmp_path / "layout" / blob_path(_digest(inner))).write_bytes(inner)
    media_type = "application/vnd.oci.image.index.v1+json"
    entry = {"mediaType": media_type, "digest": _digest(inner), "size": len(inner)}
    path.write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    put(layer("new"))

    assert {_digest(inner), layer("kept").digest} <= _list_blobs(tmp_path / "layout")


def test_a_layout_may_be_made_in_an_empty_folder_and_in_no_other(
    put: Callable[..., tuple[str, ...]], layer: Callable[[str], Layer], tmp_path: Path
) -> None:
    (tmp_path / "layout").mkdir()
    put(layer("one"))
    (tmp_path / "layout" / "index.json").unlink()

    with pytest.raises(EnvsyncError, match="exists and is not an OCI layout"):
        put(layer("one"))


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_an_index_that_is_none_is_named(
    put: Callable[..., tuple[str, ...]],
    layer: Callable[[str], Layer],
    tmp_path: Path,
    content: str,
) -> None:
    put(layer("one"))
    (tmp_path / "layout" / "index.json").write_text(content)

    with pytest.raises(EnvsyncError, match="is not the index of an OCI layout"):
        put(layer("one"))


def test_a_layer_that_is_gone_leaves_no_half_layout(
    put: Callable[..., tuple[str, ...]], layer: Callable[[str], Layer], tmp_path: Path
) -> None:
    gone = layer("gone")
    assert gone.digest is not None
    (tmp_path / gone.digest.removeprefix("sha256:")).unlink()

    with pytest.raises(EnvsyncError):
        put(layer("one"), gone)
    assert not (tmp_path / "layout").exists()
