from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.prefixes import add_history

from envsync.definition.conda.history import read_history
from envsync.definition.reading.report import Report

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["# update specs: ['python=3.11', \"numpy[version='>=2']\"]"],
            ["python=3.11", "numpy[version='>=2']"],
        ),
        (['# install specs: ["numpy"]', "# remove specs: ['numpy']"], []),
        (["# update specs: ['numpy=1']", "# update specs: ['numpy=2']"], ["numpy=2"]),
        (["# update specs: ['numpy=1']", "# neutered specs: ['numpy']"], ["numpy"]),
        (["# create specs: python 3.6*,numpy,"], ["python 3.6*", "numpy"]),
        (["# cmd: conda install x", "+defaults::x-1-0", "# update specs: []"], []),
        (["# update specs: ['!!', 'numpy']", "# revert specs: ['a']"], ["numpy"]),
        (["# update specs:"], []),
    ],
)
def test_history_says_what_was_asked_for_and_not_taken_back(
    tmp_path: Path, lines: list[str], expected: list[str]
) -> None:
    add_history(tmp_path, *lines)
    report = Report("")

    assert list(read_history(tmp_path, report).values()) == expected
    assert report.errors == []


def test_prefix_without_a_history_says_nothing(tmp_path: Path) -> None:
    assert read_history(tmp_path, Report("")) == {}


def test_history_need_not_be_utf_8(tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta/history").write_bytes(b"# cmd: caf\xe9\n# update specs: ['numpy']\n")

    assert read_history(tmp_path, Report("")) == {"numpy": "numpy"}
