from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from envsync.errors import DefinitionError
from envsync.score.comparison import find_differences, load_expected

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (1, 1.0),
        (1.0, 1.0 + 1e-9),
        (1e9, 1e9 + 1),
        (0.0, 1e-9),
        (float("nan"), float("nan")),
        ({"a": [1, "x", None, True]}, {"a": [1.0, "x", None, True]}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ],
)
def test_results_that_mean_the_same_do_not_differ(expected: Any, actual: Any) -> None:
    assert list(find_differences(expected, actual, tolerance=1e-6)) == []


@pytest.mark.parametrize(
    ("expected", "actual", "difference"),
    [
        (1, 1.1, "`$` is 1.1, expected 1"),
        (1, True, "`$` is true, expected 1"),
        ("1", 1, '`$` is 1, expected "1"'),
        (None, 0, "`$` is 0, expected null"),
        (1.0, float("nan"), "`$` is NaN, expected 1.0"),
        ([1, 2], [1], "`$` has 1 item, expected 2"),
        ({"a": {"b": [1]}}, {"a": {"b": [2]}}, "`$.a.b[0]` is 2, expected 1"),
        ({"a": 1}, {}, "`$.a` is missing"),
        ({}, {"a": 1}, "`$.a` is 1, expected nothing"),
        ("x", "y" * 100, f'`$` is "{"y" * 56}..., expected "x"'),
    ],
)
def test_a_difference_is_named_with_its_path(expected: Any, actual: Any, difference: str) -> None:
    assert list(find_differences(expected, actual, tolerance=1e-6)) == [difference]


def test_expected_answers_are_lines_of_json(tmp_path: Path) -> None:
    path = tmp_path / "expected.jsonl"
    path.write_text(json.dumps({"result": 1}) + "\n\n[2]\n")
    assert load_expected(path) == ({"result": 1}, [2])


@pytest.mark.parametrize("content", [b"{", b"\xff"])
def test_other_files_hold_no_expected_answers(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "expected.jsonl"
    path.write_bytes(content)
    with pytest.raises(DefinitionError):
        load_expected(path)
