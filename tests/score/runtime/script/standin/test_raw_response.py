from __future__ import annotations

import datetime as dt
import decimal
import json
import uuid
from typing import Any

import pytest

from envsync.score.runtime.script.standin.raw_response import AMLResponse, Response, jsonify


def test_a_list_of_values_is_a_header_that_comes_again() -> None:
    assert Response("", headers={"X-A": ["1", "2"]}).headers.getlist("x-a") == ["1", "2"]


@pytest.mark.parametrize("headers", [None, {"X-A": 5}, {"X-A": None}, {"X-A": "a\r\nB: c"}])
def test_headers_that_fail_in_azure_fail_here(headers: Any) -> None:
    with pytest.raises((AttributeError, TypeError, ValueError)):
        AMLResponse("x", 200, headers)


def test_json_of_flask_holds_what_flask_lets_it() -> None:
    moment = dt.datetime(2024, 5, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    value = {"b": decimal.Decimal("1.50"), "a": [moment, dt.date(2024, 5, 1), uuid.UUID(int=1)]}
    assert jsonify(value).get_data(as_text=True) == (
        '{"a":["Wed, 01 May 2024 10:00:00 GMT","Wed, 01 May 2024 00:00:00 GMT",'
        '"00000000-0000-0000-0000-000000000001"],"b":"1.50"}\n'
    )
    with pytest.raises(TypeError, match="object"):
        jsonify(object())


@pytest.mark.parametrize(
    ("response", "status", "content_type", "body"),
    [
        (AMLResponse("text", 200), 200, "text/html; charset=utf-8", b"text"),
        (AMLResponse(b"\xff", 200, {"Content-Type": "image/png"}), 200, "image/png", b"\xff"),
        (AMLResponse(None, 200), 200, "application/json", b"{}"),
        (AMLResponse({"a": 1}, 201, json_str=True), 201, "application/json", b'{"a": 1}'),
        (
            Response("x", "404 Not Found", mimetype="text/plain"),
            404,
            "text/plain; charset=utf-8",
            b"x",
        ),
        (
            Response(iter(["a", b"b"]), mimetype="text/event-stream"),
            200,
            "text/event-stream; charset=utf-8",
            b"ab",
        ),
        (jsonify(a=1), 200, "application/json", b'{"a":1}\n'),
    ],
)
def test_responses_have_what_flask_gives_them(
    response: Response, status: int, content_type: str, body: bytes
) -> None:
    found: tuple[Any, ...] = (response.status_code, response.content_type, response.get_data())
    assert found == (status, content_type, body)


def test_header_values_are_split_on_commas() -> None:
    response = AMLResponse("x", 200, {"X-Many": "a, b,c"})
    assert response.headers.getlist("X-Many") == ["a", "b", "c"]


def test_headers_can_be_set_after_all() -> None:
    response = AMLResponse("x", 200)
    response.headers["Allow"] = "GET"
    response.headers["allow"] = "POST"
    assert response.headers.getlist("ALLOW") == ["POST"]
    assert json.dumps(dict(response.headers)) == (
        '{"Content-Type": "text/html; charset=utf-8", "allow": "POST"}'
    )
