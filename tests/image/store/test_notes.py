from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envsync.errors import EnvsyncError
from envsync.image.store.notes import Notes

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    notes = Notes(tmp_path / "notes")
    notes.write("one", {"a": [1, "ä"]})
    notes.write("one", {"a": [2, "ä"]})

    assert notes.read("one") == {"a": [2, "ä"]}
    assert notes.read("two") is None
    assert [path.name for path in (tmp_path / "notes").iterdir()] == ["one"]


@pytest.mark.parametrize("damage", ["shorter", "other words", "nothing", "no text"])
def test_a_note_that_was_changed_is_as_good_as_none(tmp_path: Path, damage: str) -> None:
    notes = Notes(tmp_path)
    notes.write("one", "right or so")
    content = (tmp_path / "one").read_bytes()
    damaged = {
        "shorter": content[:-3],
        "other words": content.replace(b"right", b"wrong"),
        "nothing": b"",
        "no text": b"\xff\xfe[",
    }
    (tmp_path / "one").write_bytes(damaged[damage])

    assert notes.read("one") is None


def test_a_note_in_the_place_of_another_is_as_good_as_none(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    notes.write("one", 1)
    notes.write("two", 2)
    (tmp_path / "one").write_bytes((tmp_path / "two").read_bytes())

    assert notes.read("one") is None


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    notes.write("one", 1)
    (tmp_path / ".unfinished.x.partial").write_text("half")
    notes.clean()

    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(EnvsyncError, match=r"Cannot write `.*file/notes/one`"):
        Notes(tmp_path / "file/notes").write("one", 1)
