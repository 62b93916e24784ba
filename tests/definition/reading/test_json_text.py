from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envsync.definition.reading.json_text import Places, parse_json
from envsync.definition.reading.report import Report
from envsync.errors import DefinitionError

SAMPLE = """\
{
  "a": 1,
  "b": {
    "c": [true,
          {"d": null}],
    "e\\"\\u0041": "x { [ , : \\" y"
  },
  "f": []
}
"""


AGAIN = "save the definition here again"
FEWER = "write a number with fewer digits, or text in quotes"


def refuse(text: str) -> list[tuple[str, int | None, str | None]]:
    with pytest.raises(DefinitionError) as caught:
        parse_json(text, Report("x.json"))
    return [(finding.text, finding.column, finding.hint) for finding in caught.value.findings]


@pytest.mark.parametrize(
    ("text", "finding", "column", "hint"),
    [
        ("", "`x.json`:1: not JSON: the file is empty", 1, AGAIN),
        ('{"a": [1,', "`x.json`:1: not JSON: the file is cut off", 10, AGAIN),
        ('{"a": "b', "`x.json`:1: not JSON: the file is cut off", 7, AGAIN),
        (
            '{\n// why\n"a": 1}',
            "`x.json`:2: not JSON: expecting property name",
            1,
            "remove the comment",
        ),
        ('{"a": 1,\n}', "`x.json`:", None, "remove the comma before it"),
        (
            '{"a": "\0"}',
            "`x.json`:1: not JSON: invalid control character",
            8,
            "write a line end in text as `\\n`, a tab as `\\t`",
        ),
        (
            '{"a": b}',
            "`x.json`:1: not JSON: expecting value",
            7,
            "write text in double quotes, a number, `true`, `false` or `null`",
        ),
        ("[1.5,\n 1e999]", "`x.json`:2: `1e999` is too large a number", 2, FEWER),
        ("[NaN]", "`x.json`:1: `NaN` is no JSON number", 2, FEWER),
        (
            "[" + "1" * 5000 + "]",
            "`x.json`:1: a number has too many digits",
            2,
            "put it in quotes if it is text",
        ),
        ("[" * 100_000, "`x.json`: the nesting is deeper than 64 levels", None, None),
        ("[" * 65 + "]" * 65, "`x.json`: the nesting is deeper than 64 levels", None, None),
        (
            "[" * 3000 + "1" + "]" * 3000,
            "`x.json`: the nesting is deeper than 64 levels",
            None,
            None,
        ),
        (
            '"' + "a" * 300_000 + '"',
            "`x.json`: 300,002 characters are more than a definition needs (262,144)",
            None,
            None,
        ),
    ],
)
def test_what_is_not_json_is_refused_with_its_place(
    text: str, finding: str, column: int | None, hint: str | None
) -> None:
    start = time.perf_counter()
    ((said, at, advice),) = refuse(text)
    assert said.startswith(finding)
    assert advice == hint
    assert column is None or at == column
    assert time.perf_counter() - start < 1


def test_each_repeated_key_is_named() -> None:
    text = '{"a": 1,\n "b": {"c": 1,\n "c": 2},\n "a": 2}'
    assert [said for said, _, _ in refuse(text)] == [
        "`x.json`: b.c: the key is there twice",
        "`x.json`: a: the key is there twice",
    ]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("", 1),
        ("a", 2),
        ("b", 3),
        ("b.c", 4),
        ("b.c[0]", 4),
        ("b.c[1]", 5),
        ("b.c[1].d", 5),
        ('b.e"A', 6),
        ("f", 8),
        ("f[0]", 8),
        ("b.gone.too", 3),
        ("gone", 1),
    ],
)
def test_each_key_path_has_its_line(path: str, line: int) -> None:
    assert Places(SAMPLE).line(path) == line


def test_nesting_that_is_allowed_is_read() -> None:
    assert repr(parse_json("[" * 64 + "]" * 64, Report("x.json"))) == "[" * 64 + "]" * 64
    assert parse_json("1", Report("x.json")) == 1


def test_text_that_is_not_json_has_lines_too() -> None:
    assert Places('{\n"\\1": [\n2').line(r'"\1"[0]') == 3


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON)
def test_good_json_is_what_it_says(value: Any) -> None:
    assert parse_json(json.dumps(value), Report("x.json")) == value


@given(st.text(alphabet='{}[]",:\\ \nau1e+-.', max_size=40))
def test_places_are_found_in_any_text(text: str) -> None:
    assert Places(text).line("a.b[0]") in {None, *range(1, 50)}
