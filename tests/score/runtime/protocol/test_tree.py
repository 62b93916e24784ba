from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.score.runtime.protocol.tree import draw_tree

if TYPE_CHECKING:
    from pathlib import Path


def test_a_tree_shows_directories_first_and_ends_at_its_limit(tmp_path: Path) -> None:
    (tmp_path / "b" / "deep").mkdir(parents=True)
    for name in ("a.txt", "c.txt", "b/deep/d.txt"):
        (tmp_path / name).touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    assert draw_tree(str(tmp_path)) == [
        "b/",
        "  deep/",
        "    d.txt",
        "loop/",
        "a.txt",
        "c.txt",
    ]
    assert draw_tree(str(tmp_path), limit=2) == ["b/", "  deep/", "..."]
    assert draw_tree(str(tmp_path / "b" / "deep"), depth=1) == ["d.txt"]


def test_an_empty_directory_says_so(tmp_path: Path) -> None:
    assert draw_tree(str(tmp_path)) == ["(nothing)"]
