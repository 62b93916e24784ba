from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from envsync.definition.reading.report import Report
from envsync.definition.reading.source_file import read_source
from envsync.errors import DefinitionError

if TYPE_CHECKING:
    from pathlib import Path


def refuse(path: Path) -> tuple[str, str | None]:
    start = time.perf_counter()
    with pytest.raises(DefinitionError) as caught:
        read_source(path, Report(path.name))
    assert time.perf_counter() - start < 1
    (finding,) = caught.value.findings
    return finding.text, finding.hint


@pytest.mark.parametrize(
    ("encoding", "label"),
    [
        ("utf-8", None),
        ("utf-8-sig", "UTF-8 with a byte order mark"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-32", "UTF-32"),
    ],
)
def test_good_text_in_any_unicode_is_read(tmp_path: Path, encoding: str, label: str | None) -> None:
    path = tmp_path / "a.json"
    path.write_bytes('{"a": "é"}'.encode(encoding))
    report = Report("a.json")

    assert read_source(path, report) == '{"a": "é"}'

    said = [finding.text for finding in report.warnings]
    assert said == (
        [f"`a.json`: the file is {label}, which azureml-core fails on"] if label else []
    )


def test_byte_order_mark_of_yaml_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_bytes("a: é".encode("utf-8-sig"))
    report = Report("a.yml")
    assert read_source(path, report) == "a: é"
    assert report.warnings == []


def test_empty_file_is_empty_text(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    assert not read_source(path, Report("a"))


def test_latin_1_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"a\n\nb \xe9\n")
    with pytest.raises(DefinitionError) as caught:
        read_source(path, Report("a"))
    (finding,) = caught.value.findings
    assert finding.text == "`a`:3: the byte 0xE9 is not UTF-8"
    assert (finding.column, finding.hint) == (3, "save the file as UTF-8")


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "hole").symlink_to("nowhere")

    assert refuse(tmp_path / "fifo") == (
        "`fifo`: this is not a regular file, where a file should be",
        None,
    )
    assert refuse(tmp_path / "folder") == (
        "`folder`: this is a directory, where a file should be",
        None,
    )
    assert refuse(tmp_path / "gone") == ("`gone`: cannot be read: No such file or directory", None)
    assert refuse(tmp_path / "hole") == ("`hole`: cannot be read: No such file or directory", None)
    assert refuse(tmp_path / "circle")[0].startswith("`circle`: cannot be read: ")


def test_link_out_of_its_directory_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("a")
    inside = tmp_path / "definition"
    inside.mkdir()
    (inside / "real").write_text("b")
    (inside / "good").symlink_to("real")
    (inside / "bad").symlink_to("../outside")

    assert read_source(inside / "good", Report("good")) == "b"
    assert refuse(inside / "bad") == (
        "`bad`: a symbolic link out of its directory is not followed",
        "copy the file to where the link is",
    )


def test_huge_file_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as stream:
        stream.truncate(1 << 30)
    assert refuse(path) == ("`huge`: the file is larger than 1,048,576 bytes", None)
