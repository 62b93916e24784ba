"""An engine that lies about its images."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, Any, cast

import pytest

from envsync.adapters.docker_engine import EngineSource
from envsync.errors import EnvsyncError
from envsync.image.store.blobs import BlobStore
from envsync.model.image import BaseImage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from envsync.adapters.docker_engine import DockerEngine

_DIGEST = f"sha256:{0:064}"
_FACTS = {"Id": _DIGEST, "Os": "linux", "Architecture": "amd64", "RootFS": {"Layers": [_DIGEST]}}
_IMAGE = BaseImage(name="x", id=_DIGEST, os="linux", architecture="amd64")


class LyingEngine:
    """Says what it was told to say."""

    def __init__(self, facts: Any = None, archive: bytes = b"") -> None:
        self._facts = facts
        self._archive = archive
        self.asked = 0

    def inspect(self, reference: str) -> Any:
        del reference
        return self._facts

    def save(self, image: str) -> Iterator[bytes]:
        del image
        yield self._archive

    def read_file(self, image: str, path: str) -> Iterator[bytes]:
        del image, path
        self.asked += 1
        return iter([self._archive])


def _source(engine: LyingEngine) -> EngineSource:
    return EngineSource(cast("DockerEngine", engine), "x:1")


def test_facts_of_an_image_are_taken() -> None:
    assert _source(LyingEngine(_FACTS)).load().layers[0].diff_id == _DIGEST


@pytest.mark.parametrize(
    "lie",
    [
        {"Id": "../../etc/passwd"},
        {"Id": 7},
        {"Os": ["linux"]},
        {"Architecture": "../amd64"},
        {"RootFS": {"Layers": ["sha256:../../x"]}},
        {"RootFS": {"Layers": [None]}},
        {"RootFS": {"Layers": 7}},
        {"RootFS": "none"},
        {"Config": {"Env": 7}},
        {"Config": [7]},
    ],
)
def test_an_engine_that_lies_about_an_image_is_not_believed(lie: dict[str, Any]) -> None:
    with pytest.raises(EnvsyncError):
        _source(LyingEngine({**_FACTS, **lie})).load()


@pytest.mark.parametrize("archive", [b"", b"junk" * 1000, b"\0" * 100])
def test_what_is_saved_as_no_archive_is_an_error(archive: bytes, tmp_path: Path) -> None:
    source = _source(LyingEngine(_FACTS, archive))
    layers = source.load().layers
    with pytest.raises(EnvsyncError, match="Docker Engine"):
        source.fetch(layers, BlobStore(tmp_path / "store"))


def test_a_link_that_leads_to_itself_is_followed_a_few_times() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo("libc.so.6")
        member.type, member.linkname = tarfile.SYMTYPE, "libc.so.6"
        archive.addfile(member)
    engine = LyingEngine(_FACTS, stream.getvalue())

    content = _source(engine).read_file(_IMAGE, ["/lib/libc.so.6"], cast("BlobStore", None))

    assert content is None
    assert engine.asked < 20
