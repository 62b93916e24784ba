from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from envsync.files import remove_tree
from envsync.package.claims import Claim
from envsync.package.comparison import (
    FoundFile,
    compare_files,
    describe_link,
    read_folder,
)

if TYPE_CHECKING:
    from pathlib import Path


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _claim(path: str, *contents: str, package: str = "conda a", **more: object) -> Claim:
    hashes = frozenset(_sha256(content) for content in contents)
    return Claim(path=path, package=package, sha256=hashes, **more)  # type: ignore[arg-type]


def _tell(claims: list[Claim], **found: str) -> list[tuple[str, str, str]]:
    """Return what differs in a prefix with these files; `-> x` is a link."""
    by_path: dict[str, list[Claim]] = {}
    for claim in claims:
        by_path.setdefault(claim.path, []).append(claim)
    files = {
        path: describe_link(content[3:])
        if content.startswith("-> ")
        else FoundFile(_sha256(content))
        for path, content in found.items()
    }
    return [(it.problem, it.path, it.package) for it in compare_files(by_path, files)]


def test_files_that_are_as_claimed_are_no_difference() -> None:
    assert _tell([_claim("a", "1"), _claim("b")], a="1", b="whatever") == []


def test_what_is_missing_changed_and_added_is_told() -> None:
    assert _tell([_claim("a", "1"), _claim("b", "1")], b="2", c="3") == [
        ("missing", "a", "conda a"),
        ("changed", "b", "conda a"),
        ("added", "c", ""),
    ]


def test_a_file_that_two_packages_have_may_be_that_of_either() -> None:
    claims = [_claim("x", "1", package="conda a"), _claim("x", "2", package="pip b")]

    assert _tell(claims, x="1") == []
    assert _tell(claims, x="2") == []
    assert _tell(claims, x="3") == [("changed", "x", "pip b")]


def test_notes_of_conda_and_what_was_compiled_do_not_count_as_added() -> None:
    own = {"conda-meta/history": "", "conda-meta/pinned": "", "CACHEDIR.TAG": ""}
    compiled = {"lib/__pycache__/x.cpython-311.pyc": "", "__pycache__/y.pyc": ""}

    assert _tell([], **own, **compiled) == []
    assert _tell([], **{"lib/x.pyc": ""}) == [("added", "lib/x.pyc", "")]


def test_a_link_is_known_by_its_target() -> None:
    claims = [_claim("bin/python3.11", "python"), _claim("bin/python", "python3.11", "python")]

    assert _tell(claims, **{"bin/python3.11": "python", "bin/python": "-> python3.11"}) == []
    redirected = {"bin/python3.11": "python", "bin/python": "-> /usr/bin/true"}
    assert _tell(claims, **redirected) == [("changed", "bin/python", "conda a")]


def test_a_link_of_which_only_the_bytes_behind_it_are_known_has_to_lead_to_them() -> None:
    library = _claim("lib/libz.so.1", "in this prefix", original=_sha256("as packaged"))
    other = _claim("lib/other", "other", original=_sha256("other"))
    link = _claim("lib/libz.so", "as packaged", is_loose=True)
    files = {"lib/libz.so.1": "in this prefix", "lib/other": "other"}

    for target, problems in (
        ("libz.so.1", []),
        ("./../lib/libz.so.1", []),
        ("other", ["changed"]),
        ("/lib/libz.so.1", ["changed"]),
        ("../../libz.so.1", ["changed"]),
        ("of-another-package.so", []),  # which may have another version than when it was made
    ):
        found = _tell([library, other, link], **files, **{"lib/libz.so": f"-> {target}"})
        assert [problem for problem, _, _ in found] == problems, target


def test_a_file_that_became_a_link_is_changed_unless_that_leads_to_the_same_bytes() -> None:
    claims = [_claim("a", "1"), _claim("b", "1")]

    assert _tell(claims, a="1", b="-> a") == []
    assert _tell(claims, a="1", b="-> nowhere") == [("changed", "b", "conda a")]


def test_folders_may_be_links_and_links_may_lead_in_circles() -> None:
    claims = [_claim("lib64/x", "1"), _claim("lib64", "lib")]

    assert _tell(claims, **{"lib64": "-> lib", "lib/x": "1"}) == []
    assert _tell([_claim("a/x", "1")], a="-> b", b="-> a") == [
        ("missing", "a/x", "conda a"),
        ("added", "a", ""),
        ("added", "b", ""),
    ]


def test_a_folder_is_read_without_following_links(tmp_path: Path) -> None:
    (tmp_path / "lib" / "__pycache__").mkdir(parents=True)
    (tmp_path / "lib" / "a").write_text("1")
    (tmp_path / "lib" / "__pycache__" / "a.pyc").write_text("1")
    (tmp_path / "lib64").symlink_to("lib")
    (tmp_path / "gone").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")

    assert read_folder(tmp_path) == {
        "lib/a": FoundFile(_sha256("1")),
        "lib64": describe_link("lib"),
        "gone": describe_link("nowhere"),
        "pipe": FoundFile(""),
    }


def test_large_files_are_hashed_whole(tmp_path: Path) -> None:
    content = "x" * (3 << 20)
    (tmp_path / "large").write_text(content)

    assert read_folder(tmp_path) == {"large": FoundFile(_sha256(content))}


@pytest.mark.slow
def test_folders_may_lie_in_each_other_without_end(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(1200):
        deep = deep / "d"
        deep.mkdir()
    (deep / "x").touch()

    (found,) = read_folder(tmp_path)
    remove_tree(tmp_path / "d")

    assert found == "d/" * 1200 + "x"
    assert not (tmp_path / "d").exists()
