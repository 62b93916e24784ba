from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envsync.errors import DefinitionError
from envsync.score.models.directory import check_model_dir

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
