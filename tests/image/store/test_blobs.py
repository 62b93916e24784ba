from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from envsync.errors import EnvsyncError
from envsync.image.store.blobs import BlobStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from envsync.image.store.blobs import Writer

_DIGEST = "sha256:" + hashlib.sha256(b"layer").hexdigest()


def _store(root: Path) -> BlobStore:
    store = BlobStore(root / "blobs")
    with store.write() as writer:
        writer.write(b"lay")
        writer.write(b"er")
    return store


def test_a_note_that_leads_nowhere_is_no_hindrance(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    with store.write() as writer:
        writer.write(b"x")
    path = store.path(writer.digest)
    seen = path.with_name(f"{path.name}.seen")
    seen.unlink()
    seen.symlink_to(tmp_path / "none" / "x")
    store.clean()
    with store.write() as again:
        again.write(b"x")

    assert store.find(again.digest) == path


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_a_note_is_never_written_through_a_link(
    tmp_path: Path, link: Callable[[Path, Path], None]
) -> None:
    (tmp_path / "precious").write_text("all that I have")
    store = _store(tmp_path)
    path = store.path(_DIGEST)
    seen = path.with_name(f"{path.name}.seen")
    seen.unlink()
    link(seen, tmp_path / "precious")

    assert store.find(_DIGEST) == path
    assert _store(tmp_path).find(_DIGEST) == path
    assert (tmp_path / "precious").read_text() == "all that I have"


def test_a_blob_is_found_by_the_digest_of_what_was_written(tmp_path: Path) -> None:
    path = _store(tmp_path).find(_DIGEST)

    assert path is not None
    assert path.read_bytes() == b"layer"


def test_a_blob_that_was_never_written_is_not_found(tmp_path: Path) -> None:
    assert BlobStore(tmp_path / "blobs").find(_DIGEST) is None


def test_a_blob_whose_bytes_were_changed_is_thrown_away(tmp_path: Path) -> None:
    store = _store(tmp_path)
    path = store.path(_DIGEST)
    path.write_bytes(b"LAYER")

    assert store.find(_DIGEST) is None
    assert not path.exists()


def test_a_blob_changed_with_its_size_and_time_kept_is_thrown_away(tmp_path: Path) -> None:
    store = _store(tmp_path)
    path = store.path(_DIGEST)
    before = path.stat()
    path.write_bytes(b"LAYER")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert store.find(_DIGEST) is None


def test_a_blob_that_was_only_touched_is_kept(tmp_path: Path) -> None:
    store = _store(tmp_path)
    os.utime(store.path(_DIGEST), (1, 1))

    assert store.find(_DIGEST) is not None
    assert store.find(_DIGEST) is not None


def test_other_bytes_than_expected_never_get_in(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "blobs")

    with (
        pytest.raises(EnvsyncError, match="A layer's sha256 is"),
        store.write(expected=_DIGEST) as writer,
    ):
        writer.write(b"something else")

    assert list((tmp_path / "blobs").iterdir()) == []


def _write_half(writer: Writer) -> None:
    writer.write(b"half")
    raise KeyboardInterrupt


def test_a_failure_while_writing_leaves_nothing(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "blobs")

    with pytest.raises(KeyboardInterrupt), store.write() as writer:
        _write_half(writer)

    assert list((tmp_path / "blobs").iterdir()) == []


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    store = _store(tmp_path)
    left = tmp_path / "blobs" / ".unfinished.x.partial"
    left.write_bytes(b"half")

    with store.write() as writer:
        writer.write(b"under way")
        store.clean()

    assert not left.exists()
    assert store.find(writer.digest) is not None
    assert store.find(_DIGEST) is not None


def test_what_was_of_no_use_for_a_month_is_removed(tmp_path: Path) -> None:
    store = _store(tmp_path)
    with store.write() as writer:
        writer.write(b"another")
    other = writer.digest
    for path in (tmp_path / "blobs").iterdir():
        os.utime(path, (1, 1))
    assert store.find(other) is not None  # which makes it of use again

    store.clean()

    assert store.find(_DIGEST) is None
    assert store.find(other) is not None


def test_a_pipe_in_the_place_of_a_blob_is_not_waited_for(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    with store.write() as writer:
        writer.write(b"content")
    path = store.path(writer.digest)
    path.unlink()
    os.mkfifo(path)

    assert store.find(writer.digest) is None
    assert not path.exists()
