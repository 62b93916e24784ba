from __future__ import annotations

import pytest

from envsync.score.runtime.server.http.cors import cors_headers

ORIGIN = "Access-Control-Allow-Origin"
METHODS = ("Access-Control-Allow-Methods", "GET, POST")
VARY = ("Vary", "Origin")


@pytest.mark.parametrize(
    ("origins", "origin", "found"),
    [
        ((), "http://a", []),
        (("http://a",), "http://a", [(ORIGIN, "http://a")]),
        (("http://a",), "http://b", []),
        (("http://a",), "", [(ORIGIN, "http://a")]),
        (("http://b", "http://a"), "HTTP://A", [(ORIGIN, "HTTP://A"), VARY]),
        (("http://b", "http://a"), "", [(ORIGIN, "http://a"), VARY]),
        (("*",), "http://a", [(ORIGIN, "http://a"), VARY]),
        (("*",), "", [(ORIGIN, "*")]),
    ],
)
def test_an_answer_names_the_origin_that_may_read_it(
    origins: tuple[str, ...], origin: str, found: list[tuple[str, str]]
) -> None:
    fields = {"origin": origin} if origin else {}
    assert cors_headers(origins, fields, is_preflight=False) == found


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, []),
        ({"access-control-request-method": "PUT"}, []),
        ({"access-control-request-method": "post"}, [METHODS]),
        (
            {
                "access-control-request-method": "POST",
                "access-control-request-headers": "x-b, Content-Type,x-a",
            },
            [METHODS, ("Access-Control-Allow-Headers", "Content-Type, x-a, x-b")],
        ),
    ],
)
def test_a_preflight_is_told_what_it_asks_for(
    fields: dict[str, str], found: list[tuple[str, str]]
) -> None:
    told = cors_headers(("http://a",), {"origin": "http://a", **fields}, is_preflight=True)
    assert told == [(ORIGIN, "http://a"), *found]
