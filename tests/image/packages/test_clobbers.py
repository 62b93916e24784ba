from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

from support.fakes import conda_package

from envsync.image.packages.clobbers import (
    find_clobbers,
    find_crossing,
    find_overshadowed,
    pick_files,
)
from envsync.image.packages.recipe import Recipe
from envsync.image.store.files import ImageFile, write_tar

if TYPE_CHECKING:
    from pathlib import Path


def _recipe(name: str) -> Recipe:
    return Recipe(package=conda_package(name), prefix="/env")


A, B, C = (_recipe(name) for name in "abc")


def test_paths_of_several_packages_are_found_with_these_in_order() -> None:
    claims = {B: ["/env/x", "/env/y"], A: ["/env/y", "/env/z"], C: ["/env/z", "/env/y"]}

    assert find_clobbers(claims) == {"/env/y": [B, A, C], "/env/z": [A, C]}


def test_packages_that_share_nothing_have_no_clobbers() -> None:
    assert find_clobbers({A: ["/env/x"], B: ["/env/X"], C: []}) == {}
    assert find_clobbers({}) == {}


def test_files_below_what_another_package_has_as_a_file_are_overshadowed() -> None:
    claims = {
        A: ["/env/lib64", "/env/lib/a", "/env/share/x"],
        B: ["/env/lib64/deep/b", "/env/lib64x", "/env/share/x/y/z"],
        C: ["/env/lib64/c", "/env/lib/c"],
    }

    assert find_overshadowed(claims) == {
        "/env/lib64/deep/b": B,
        "/env/share/x/y/z": B,
        "/env/lib64/c": C,
    }
    assert find_crossing(claims) == (A, B, C)


def test_folders_that_packages_share_are_no_matter() -> None:
    claims = {A: ["/env/lib/a"], B: ["/env/lib/b", "/env/lib/b.d/x"]}

    assert find_overshadowed(claims) == {}
    assert find_crossing(claims) == ()


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
