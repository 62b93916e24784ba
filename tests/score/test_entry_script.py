from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envsync.errors import DefinitionError
from envsync.score.entry_script import (
    Candidate,
    candidates_in,
    find_entry_script,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_the_name_of_the_source_directory_may_be_in_front(tmp_path: Path) -> None:
    directory = tmp_path / "src"
    assert candidates_in(directory, "src/score.py") == (
        Candidate(path=directory / "src" / "score.py", app_root=directory),
        Candidate(path=directory / "score.py", app_root=tmp_path),
    )


def test_a_plain_name_is_looked_for_in_the_directory_alone(tmp_path: Path) -> None:
    inside = Candidate(path=tmp_path / "score.py", app_root=tmp_path)
    assert candidates_in(tmp_path, "score.py") == (inside,)


def test_every_path_that_was_tried_is_listed(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError) as caught:
        find_entry_script(candidates_in(tmp_path / "src", "src/score.py"))
    assert caught.value.message.split("\n") == [
        "Entry script `score.py` is not there",
        f"  tried `{tmp_path / 'src' / 'src' / 'score.py'}`",
        f"  tried `{tmp_path / 'src' / 'score.py'}`",
    ]
    assert caught.value.hint == "give its path with `--entry-script`"
