from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envsync.errors import DefinitionError
from envsync.score.model_dir import check_model_dir, draw_tree

if TYPE_CHECKING:
    from pathlib import Path


def test_a_relative_model_dir_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    directory = check_model_dir((tmp_path / "model").relative_to(tmp_path))
    assert directory == tmp_path / "model"


def test_a_missing_model_dir_is_answered_with_what_is_near(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "score.py").touch()
    with pytest.raises(DefinitionError) as caught:
        check_model_dir(tmp_path / "model" / "1")
    assert caught.value.message.split("\n") == [
        f"Model dir `{tmp_path / 'model' / '1'}` is not there",
        f"  tried `{tmp_path / 'model' / '1'}`",
        f"  `{tmp_path}` holds",
        "    models/",
        "    score.py",
    ]
    assert caught.value.hint == "give the directory with `--model-dir`"


def test_a_file_is_no_model_dir(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.touch()
    with pytest.raises(DefinitionError) as caught:
        check_model_dir(path)
    assert caught.value.message == f"Model dir `{path}` is a file"
    assert caught.value.hint == f"give its directory: `--model-dir {tmp_path}`"


def test_a_tree_shows_directories_first_and_ends_at_its_limit(tmp_path: Path) -> None:
    (tmp_path / "b" / "deep").mkdir(parents=True)
    for name in ("a.txt", "c.txt", "b/deep/d.txt"):
        (tmp_path / name).touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    assert draw_tree(tmp_path).split("\n") == [
        "b/",
        "  deep/",
        "    d.txt",
        "loop/",
        "a.txt",
        "c.txt",
    ]
    assert draw_tree(tmp_path, limit=2).split("\n") == ["b/", "  deep/", "..."]
    assert draw_tree(tmp_path / "b" / "deep", depth=1) == "d.txt"


def test_an_empty_directory_says_so(tmp_path: Path) -> None:
    assert draw_tree(tmp_path) == "(nothing)"
