from __future__ import annotations

import gzip
import tarfile
from typing import TYPE_CHECKING

import pytest

from envsync.errors import EnvsyncError
from envsync.image.store.files import ImageFile
from envsync.image.store.layer_cache import LayerCache

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.model.image import Layer


@pytest.fixture
def cache(tmp_path: Path) -> LayerCache:
    return LayerCache(tmp_path / "cache")


def _add(cache: LayerCache, key: str, **files: str) -> Layer:
    return cache.add(
        key,
        [ImageFile(path=f"/env/{name}", content=text.encode()) for name, text in files.items()],
        created_by=f"made of {key}",
    )


def _read(cache: LayerCache, layer: Layer) -> dict[str, bytes | None]:
    with tarfile.open(cache.blobs.path(layer.diff_id)) as archive:
        streams = {member.name: archive.extractfile(member) for member in archive}
        return {name: stream and stream.read() for name, stream in streams.items()}


def test_a_layer_is_found_by_what_it_was_made_from(cache: LayerCache, tmp_path: Path) -> None:
    layer = _add(cache, "one", b="2", a="1")
    other_process = LayerCache(tmp_path / "cache")

    assert other_process.find("one") == layer == cache.get("one")
    assert other_process.list_paths("one") == ("/env/a", "/env/b")
    assert layer.size == cache.blobs.path(layer.diff_id).stat().st_size
    assert cache.find("two") is None


def test_a_layer_that_somebody_took_away_is_named(cache: LayerCache) -> None:
    with pytest.raises(EnvsyncError, match="A layer is gone from"):
        cache.list_paths("one")


def test_layers_are_joined_with_each_folder_once_and_every_file(cache: LayerCache) -> None:
    long = "deep/" * 60 + "x"
    one = _add(cache, "one", **{"a": "1" * 700, long: "far"})
    two = _add(cache, "two", **{"b": "2", "é": "not ASCII", "a-": ""})
    joined = cache.join("both", [one, two], created_by="two packages")
    again = cache.join("again", [two, one], created_by="two packages")
    content = _read(cache, joined)

    assert joined.diff_id == again.diff_id
    files = {name: text for name, text in content.items() if text is not None}
    assert files == {
        "env/a": b"1" * 700,
        "env/a-": b"",
        "env/b": b"2",
        f"env/{long}": b"far",
        "env/é": b"not ASCII",
    }
    with tarfile.open(cache.blobs.path(joined.diff_id)) as archive:
        names = archive.getnames()
    assert len(names) == len(set(names))
    parents = [names.index(name.rpartition("/")[0]) for name in names if "/" in name]
    assert all(place < names.index(name) for place, name in zip(parents, names[1:], strict=True))


def test_a_compressed_form_is_made_once_and_is_the_same_bytes(cache: LayerCache) -> None:
    layer = _add(cache, "one", a="1" * 10000)
    assert not cache.is_compressed(layer)
    packed = cache.compress(layer)
    assert packed.digest is not None
    path = cache.blobs.path(packed.digest)

    assert gzip.decompress(path.read_bytes()) == cache.blobs.path(layer.diff_id).read_bytes()
    assert path.stat().st_size == packed.compressed_size < layer.size
    assert cache.is_compressed(layer)
    assert cache.compress(layer) == packed


def test_a_compressed_form_that_was_damaged_is_made_anew(cache: LayerCache) -> None:
    layer = _add(cache, "one", a="1")
    packed = cache.compress(layer)
    assert packed.digest is not None
    cache.blobs.path(packed.digest).write_bytes(b"poison")

    assert not cache.is_compressed(layer)
    assert cache.compress(layer) == packed


def test_a_file_that_is_not_what_its_package_says_makes_no_layer(
    cache: LayerCache, tmp_path: Path
) -> None:
    source = tmp_path / "file"
    source.write_text("edited")
    file = ImageFile(path="/env/file", source=source, sha256="0" * 64)

    with pytest.raises(EnvsyncError, match="does not match its package's hash"):
        cache.add("one", [file], created_by="one")
    assert cache.find("one") is None
    assert list((cache.root / "blobs").iterdir()) == []


def test_folders_on_the_way_to_layers_are_gone_afterwards(cache: LayerCache) -> None:
    cache.root.mkdir()
    with cache.make_folder() as folder:
        (folder / "x").write_text("")
    left = cache.root / "staging-of-a-killed-process"
    left.mkdir()
    with cache.lock():
        cache.clean()

    assert not folder.exists()
    assert not left.exists()
