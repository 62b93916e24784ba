from __future__ import annotations

import hashlib
import io
import os
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envsync.errors import EnvsyncError
from envsync.image.store.files import ImageFile, pick_files, write_tar
from envsync.image.store.tar import Member, dump_header

if TYPE_CHECKING:
    from pathlib import Path

_PART = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="/\0"), min_size=1, max_size=90
).filter(lambda part: part not in {".", ".."})
_PATHS = st.lists(_PART, min_size=1, max_size=5).map(lambda parts: "/" + "/".join(parts))


def _write(*files: ImageFile) -> bytes:
    stream = io.BytesIO()
    write_tar(files, stream)
    return stream.getvalue()


def _read(content: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
        return archive.getmembers()


def test_parents_stand_before_their_children_each_once() -> None:
    content = _write(
        ImageFile(path="/env/lib/b", content=b"b"), ImageFile(path="/env/bin/a", content=b"a")
    )

    assert [(member.name, member.isdir()) for member in _read(content)] == [
        ("env", True),
        ("env/bin", True),
        ("env/bin/a", False),
        ("env/lib", True),
        ("env/lib/b", False),
    ]


def test_everything_belongs_to_root_and_has_a_mode_and_a_time_of_its_own() -> None:
    members = _read(
        _write(
            ImageFile(path="/a", content=b"", is_executable=True),
            ImageFile(path="/b", content=b"", mtime=1700000000),
            ImageFile(path="/c", target="a"),
        )
    )

    assert [(it.uid, it.gid, it.uname, it.gname) for it in members] == [(0, 0, "", "")] * 3
    assert [oct(it.mode) for it in members] == ["0o755", "0o644", "0o777"]
    assert [it.mtime for it in members] == [315532800, 1700000000, 315532800]
    assert members[2].linkname == "a"


def test_neither_order_nor_umask_nor_times_of_the_source_change_a_byte(tmp_path: Path) -> None:
    def make(name: str, umask: int, mtime: int) -> ImageFile:
        path = tmp_path / f"{name}-{umask}"
        before = os.umask(umask)
        path.write_bytes(name.encode() * 1000)
        os.umask(before)
        os.utime(path, (mtime, mtime))
        return ImageFile(path=f"/env/{name}", source=path)

    first = _write(make("a", 0o022, 1), make("b", 0o022, 2))
    second = _write(make("b", 0o077, 3), make("a", 0o077, 4))

    assert first == second


@given(_PATHS, st.binary(max_size=2000))
def test_whatever_the_path_a_reader_sees_the_same_path_and_bytes(path: str, body: bytes) -> None:
    content = _write(ImageFile(path=path, content=body))

    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
        member = archive.getmembers()[-1]
        stream = archive.extractfile(member)
        assert stream is not None
        assert (f"/{member.name}", stream.read()) == (path, body)


@given(_PATHS)
def test_whatever_a_symlink_points_to_a_reader_sees_the_same_target(target: str) -> None:
    assert _read(_write(ImageFile(path="/link", target=target)))[0].linkname == target


def test_a_size_that_octal_digits_cannot_hold_stands_in_a_pax_header() -> None:
    size = 9 << 30
    header = dump_header(Member(path="large", kind="file", size=size))

    assert tarfile.TarInfo.frombuf(header[:512], "utf-8", "strict").type == b"x"
    assert b"size=9663676416\n" in header


def test_gnu_tar_unpacks_long_and_foreign_names(tmp_path: Path) -> None:
    long = "/env/" + "/".join(["long-folder-name"] * 12) + "/naïve.txt"
    archive = tmp_path / "layer.tar"
    archive.write_bytes(_write(ImageFile(path=long, content=b"x")))

    unpack = ["tar", "-xf", archive, "-C", tmp_path]
    subprocess.run(unpack, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})

    assert (tmp_path / long[1:]).read_bytes() == b"x"


def test_a_source_that_is_not_what_its_package_says_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "numpy.py"
    source.write_text("changed")
    expected = hashlib.sha256(b"as packed").hexdigest()

    with pytest.raises(EnvsyncError) as caught:
        _write(ImageFile(path="/env/numpy.py", source=source, sha256=expected))

    assert caught.value.message == (
        "`/env/numpy.py` does not match its package's hash: its bytes were changed"
    )


def test_a_source_that_is_gone_is_said(tmp_path: Path) -> None:
    source = tmp_path / "gone"

    with pytest.raises(EnvsyncError) as caught:
        _write(ImageFile(path="/gone", source=source))

    assert caught.value.message == f"Cannot read `{source}`: No such file or directory"


@pytest.mark.parametrize("path", ["/env/../../etc/passwd", "env/a"])
def test_a_path_that_leaves_the_root_is_refused(path: str) -> None:
    with pytest.raises(EnvsyncError, match="can't be the path of a file in an image"):
        _write(ImageFile(path=path, content=b""))


@pytest.mark.parametrize("path", ["/env/.wh.bin", "/env/lib/.wh..wh..opq", "/env/.wh.x/y"])
def test_a_name_that_hides_other_files_from_an_engine_is_refused(path: str) -> None:
    with pytest.raises(EnvsyncError, match="can't be the path of a file in an image"):
        _write(ImageFile(path=path, content=b""))


def test_files_are_picked_out_of_a_layer_as_they_are(tmp_path: Path) -> None:
    files = [
        ImageFile(path="/env/bin/tool", content=b"run", is_executable=True),
        ImageFile(path="/env/bin/link", target="tool"),
        ImageFile(path=f"/env/{'deep/' * 60}x", content=b"", mtime=1700000000),
        ImageFile(path="/env/other", content=b"left"),
    ]
    archive = tmp_path / "layer.tar"
    with archive.open("wb") as stream:
        write_tar(files, stream)

    assert pick_files(archive, [file.path for file in files[:3]]) == files[:3]
    with tarfile.open(archive) as opened:
        assert len(opened.getnames()) > len(files)
