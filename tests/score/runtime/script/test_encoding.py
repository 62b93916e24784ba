from __future__ import annotations

import collections
import datetime as dt
import decimal
import enum
import json
from typing import Any

import pytest

from envsync.score.runtime.script.encoding import NotSerialisableError, encode


class Promised:
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def toJSON(self) -> Any:  # noqa: N802  # the name that Azure ML's documentation gives
        return self.answer


class Text(str):
    __slots__ = ()


class Number(enum.IntEnum):
    ONE = 1


Pair = collections.namedtuple("Pair", "left right")  # noqa: PYI024  # what old scripts have


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "{}"),
        ([None], "[null]"),
        ({"b": 1, "a": [1, 2.5, True, "é"]}, '{"b": 1, "a": [1, 2.5, true, "\\u00e9"]}'),
        ((1, (2, 3)), "[1, [2, 3]]"),
        (Pair(1, 2), "[1, 2]"),
        ("hello", '"hello"'),
        (Text("sub"), '"sub"'),
        (Number.ONE, "1"),
        (2**70, "1180591620717411303424"),
        ("\ud800", '"\\ud800"'),
        ({1: "a", None: "b"}, '{"1": "a", "null": "b"}'),
        (Promised('{"from": "toJSON"}'), '{"from": "toJSON"}'),
        (Promised("no JSON"), '"no JSON"'),
        (Promised({"a": 1}), '{"a": 1}'),
        ({"x": [Promised("[1]")]}, '{"x": [[1]]}'),
    ],
)
def test_values_are_written_as_azure_ml_does_or_promises(value: Any, text: str) -> None:
    body, warnings = encode(value)
    assert (body.decode("ascii"), warnings) == (text, [])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1}, "`$` is `set`, which JSON cannot hold"),
        ({"a": [1, b"x"]}, "`$.a[1]` is `bytes`, which JSON cannot hold"),
        ({"a b": {"c": 1j}}, "`$['a b'].c` is `complex`, which JSON cannot hold"),
        ([decimal.Decimal(1)], "`$[0]` is `decimal.Decimal`, which JSON cannot hold"),
        (dt.date(2020, 1, 1), "`$` is `datetime.date`, which JSON cannot hold"),
        ({"x": {(1, 2): 1}}, "`key (1, 2) of $.x` is `tuple`, which JSON cannot hold"),
        (Promised({1}), f"`$` is `{__name__}.Promised`, which JSON cannot hold"),
        (Promised, "`$` is `type`, which JSON cannot hold"),
    ],
)
def test_what_json_cannot_hold_is_named_with_its_path(value: Any, message: str) -> None:
    with pytest.raises(NotSerialisableError) as caught:
        encode(value)
    assert str(caught.value) == message


def test_a_list_in_itself_is_named() -> None:
    value: list[Any] = [1]
    value.append({"again": value})
    with pytest.raises(NotSerialisableError) as caught:
        encode(value)
    assert str(caught.value) == "`$[1].again` is a part of itself, which JSON cannot hold"


@pytest.mark.parametrize(
    ("value", "warning"),
    [
        (
            json.dumps({"a": 1}),
            "`run` returned text that is JSON already; clients decode it twice",
        ),
        (
            "ValueError: no such column",
            "`run` returned the text of an error as its result",
        ),
        (
            [1.0, float("nan")],
            "The result holds NaN or Infinity, which is not JSON; some clients refuse it",
        ),
    ],
)
def test_a_result_that_trips_its_reader_has_a_warning(value: Any, warning: str) -> None:
    assert encode(value)[1] == [warning]


@pytest.mark.parametrize("value", ["NaN", {"NaN": "Infinity"}, "{not JSON", "an error"])
def test_a_harmless_result_has_none(value: Any) -> None:
    assert encode(value)[1] == []
