from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import random
import tarfile
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
import zstandard
from support.fakes import conda_package, pip_package
from support.images.base_archive import write_base

from envsync.errors import EnvsyncError
from envsync.image.base.base import FileSource, ScratchSource
from envsync.image.base.base_check import check_base, find_needed_glibc, find_release
from envsync.image.base.layer_content import store_plain
from envsync.image.formats.config import ImageContent
from envsync.image.formats.layout import write_layout
from envsync.image.store.blobs import BlobStore
from envsync.image.store.layer_cache import LayerCache

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _source(path: Path) -> FileSource:
    return FileSource(path, os="linux", architecture="amd64")


def _to_layout(archive: Path, folder: Path) -> str:
    """Write the image of *archive* as a layout; return the digest of its manifest."""
    source, cache = _source(archive), LayerCache(folder.parent / "cache")
    image = source.load()
    source.fetch(image.layers, cache.blobs)
    layers = [cache.compress(layer) for layer in image.layers]
    with tarfile.open(archive) as opened:
        manifest = json.loads(opened.extractfile("manifest.json").read())[0]  # type: ignore[union-attr]
        config = opened.extractfile(manifest["Config"]).read()  # type: ignore[union-attr]
    written = write_layout(
        folder,
        ImageContent(config=config, layers=image.layers),
        layers=layers,
        references=("1",),
        find_blob=cache.blobs.path,
    )
    return written.digest


def test_an_archive_and_a_layout_of_one_image_say_the_same(tmp_path: Path) -> None:
    config = {"Env": ["A=b"], "Cmd": ["sh"], "User": "app", "Healthcheck": {"Test": ["NONE"]}}
    expected = write_base(tmp_path / "x.tar", architecture="amd64", config=config)
    digest = _to_layout(tmp_path / "x.tar", tmp_path / "layout")
    archive, layout = _source(tmp_path / "x.tar").load(), _source(tmp_path / "layout").load()

    assert archive.id == layout.id == expected
    assert archive.settings == layout.settings
    assert (archive.settings.user, archive.settings.others) == (
        "app",
        (("Healthcheck", {"Test": ["NONE"]}),),
    )
    assert [it.diff_id for it in archive.layers] == [it.diff_id for it in layout.layers]
    assert layout.digest == digest


def test_layers_of_a_layout_are_had_plain_and_as_they_are(tmp_path: Path) -> None:
    write_base(tmp_path / "x.tar", architecture="amd64")
    _to_layout(tmp_path / "x.tar", tmp_path / "layout")
    source, store = _source(tmp_path / "layout"), BlobStore(tmp_path / "store")
    layers = source.load().layers
    source.fetch(layers, store)
    source.fetch_compressed(layers, store)

    plain = store.path(layers[0].diff_id).read_bytes()
    assert gzip.decompress(store.path(layers[0].digest or "").read_bytes()) == plain


def test_a_layer_of_an_archive_that_was_changed_is_refused(tmp_path: Path) -> None:
    write_base(tmp_path / "x.tar", architecture="amd64")
    content = (tmp_path / "x.tar").read_bytes()
    (tmp_path / "x.tar").write_bytes(content.replace(b"Stand-in", b"stand-IN"))
    source = _source(tmp_path / "x.tar")

    with pytest.raises(EnvsyncError, match="A layer's sha256 is"):
        source.fetch(source.load().layers, BlobStore(tmp_path / "store"))


_ZSTD = zstandard.ZstdCompressor()
_PASSED_OVER = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"  # a zstd frame that holds no content


@pytest.mark.parametrize(
    "pack",
    [
        bytes,
        lambda plain: gzip.compress(plain[:600]) + gzip.compress(plain[600:]),
        _ZSTD.compress,
        lambda plain: _ZSTD.compress(plain[:600]) + _ZSTD.compress(plain[600:]) + _PASSED_OVER,
        lambda plain: _PASSED_OVER + _ZSTD.compress(plain),
        bz2.compress,
        lzma.compress,
    ],
    ids=["plain", "gzip", "zstd", "chunked zstd", "zstd with a preface", "bzip2", "xz"],
)
def test_however_a_layer_is_packed_it_is_the_same(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    plain = b"a tar, say" * 1000
    store, digest = BlobStore(tmp_path), f"sha256:{hashlib.sha256(plain).hexdigest()}"
    store_plain(BytesIO(pack(plain)), store, digest)

    assert store.path(digest).read_bytes() == plain


@pytest.mark.parametrize(
    "pack",
    [gzip.compress, _ZSTD.compress, bz2.compress, lzma.compress],
    ids=["gzip", "zstd", "bzip2", "xz"],
)
def test_a_packed_layer_that_was_cut_short_or_changed_never_gets_in(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    plain = random.Random(1).randbytes(5000)  # noqa: S311  # the same each time
    store, digest = BlobStore(tmp_path), f"sha256:{hashlib.sha256(plain).hexdigest()}"
    packed = pack(plain)
    for harmed in (packed[:-900], packed[:7], packed[:99] + b"harm" + packed[103:]):
        with pytest.raises(EnvsyncError, match=r"can't be unpacked|A layer's sha256 is"):
            store_plain(BytesIO(harmed), store, digest)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"nonsense", b"{}"])
def test_what_is_no_image_is_said(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(content)

    with pytest.raises(EnvsyncError) as caught:
        _source(tmp_path / "x.tar").load()

    assert caught.value.message == (
        f"`{tmp_path}/x.tar` is neither an OCI layout nor an archive by `docker save`"
    )


def test_a_folder_that_is_no_layout_is_said(tmp_path: Path) -> None:
    with pytest.raises(EnvsyncError) as caught:
        _source(tmp_path).load()

    assert caught.value.message == f"`{tmp_path}` is a folder, and not an OCI layout"


def test_the_glibc_of_a_base_is_looked_up_once(tmp_path: Path) -> None:
    write_base(tmp_path / "x.tar", glibc="2.31", architecture="amd64")
    source, cache = _source(tmp_path / "x.tar"), LayerCache(tmp_path / "cache")
    image = source.load()
    check_base(image, source, needed="2.31", cache=cache)
    (tmp_path / "x.tar").unlink()

    with pytest.raises(EnvsyncError) as caught:
        check_base(image, source, needed="2.35", cache=cache)

    assert caught.value.message == (
        f"Base image `{tmp_path}/x.tar` has glibc 2.31, and the lock assumes 2.35"
    )


def test_nothing_is_asked_of_a_base_by_packages_that_need_no_glibc(tmp_path: Path) -> None:
    source = ScratchSource(os="linux", architecture="amd64")

    check_base(source.load(), source, needed=None, cache=LayerCache(tmp_path))


def test_the_glibc_that_packages_need_is_the_newest_that_one_of_them_names() -> None:
    wheels = "https://index.example.org/"
    packages = [
        conda_package("a", dependencies=(("__glibc", ">=2.17,<3.0.a0"),)),
        conda_package("b"),
        pip_package("c", url=f"{wheels}c-1-cp311-cp311-manylinux2014_x86_64.whl"),
        pip_package(
            "d",
            url=f"{wheels}d-1-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
        ),
    ]

    assert find_needed_glibc(packages) == "2.27"
    assert find_needed_glibc(packages[:3]) == "2.17"
    assert find_needed_glibc(packages[1:2]) is None


def test_glibc_says_its_own_version() -> None:
    debian = b"\0GNU C Library (Debian GLIBC 2.36-9+deb12u13) stable release version 2.36.\nCopy"

    assert find_release(debian) == "2.36"
    assert find_release(b"musl libc (x86_64)\nVersion 1.2.4") is None
