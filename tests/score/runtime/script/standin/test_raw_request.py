from __future__ import annotations

import io

import pytest

from envsync.score.runtime.script.standin.raw_request import Request, UnsupportedMediaTypeError

MULTIPART = (
    b"--b\r\n"
    b'Content-Disposition: form-data; name="text"\r\n\r\nvalue \xc3\xa9\r\n'
    b"--b\r\n"
    b'Content-Disposition: form-data; name="image"; filename="a \\"b\\".png"\r\n'
    b"Content-Type: image/png\r\n\r\n\x00\r\n--x\xff\r\n"
    b"--b--\r\n"
)


def request(target: str = "/score", body: bytes = b"", **headers: str) -> Request:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Request("POST", target, pairs, body)


def test_a_query_has_first_values_and_lists() -> None:
    asked = request("/score?a=1&b=x%20y&a=2&c=")
    assert asked.args["a"] == "1"
    assert asked.args.get("a", type=int) == 1
    assert asked.args.get("b", 7, type=int) == 7
    assert asked.args.getlist("a") == ["1", "2"]
    assert asked.args.to_dict(flat=False) == {"a": ["1", "2"], "b": ["x y"], "c": [""]}
    assert (asked.path, asked.full_path) == ("/score", "/score?a=1&b=x%20y&a=2&c=")


def test_urls_are_put_together() -> None:
    asked = request("/score?a=1", Host="h:1")
    assert (asked.url, asked.base_url) == ("http://h:1/score?a=1", "http://h:1/score")


def test_headers_match_in_any_case() -> None:
    asked = request(X_Test="1")
    assert (asked.headers["x-test"], asked.headers.get("nope")) == ("1", None)
    assert "X-TEST" in asked.headers


def test_headers_that_come_twice_are_one() -> None:
    pairs = [("x-a", "1"), ("X-A", "2"), ("cookie", "a=1"), ("Cookie", 'b="x y"; c')]
    asked = Request("POST", "/score", pairs, b"")
    assert list(asked.headers) == [("X-A", "1,2"), ("Cookie", 'a=1; b="x y"; c')]
    assert asked.cookies == {"a": "1", "b": "x y", "c": ""}


def test_a_request_tells_what_flask_tells() -> None:
    asked = request("http://proxy.example/score?a=1", User_Agent="curl/8")
    assert (asked.path, asked.url) == ("/score", "http://localhost/score?a=1")
    assert (asked.user_agent, asked.user_agent.string) == ("curl/8", "curl/8")
    assert (asked.script_root, asked.is_secure) == ("", False)


def test_a_form_is_parsed() -> None:
    asked = request(body=b"a=1&b=%C3%A9", Content_Type="application/x-www-form-urlencoded")
    assert asked.form.to_dict() == {"a": "1", "b": "é"}


def test_an_upload_is_parsed() -> None:
    asked = request(body=MULTIPART, Content_Type='multipart/form-data; boundary="b"')
    assert asked.form.to_dict() == {"text": "value é"}
    file = asked.files["image"]
    assert (file.filename, file.mimetype) == ('a "b".png', "image/png")
    target = io.BytesIO()
    file.save(target)
    assert target.getvalue() == b"\x00\r\n--x\xff"


def test_an_upload_may_have_a_name_that_says_its_charset() -> None:
    part = b"Content-Disposition: form-data; name=f; filename*=utf-8''%e2%82%ac.txt\r\n\r\n1\r\n"
    asked = request(
        body=b"--b\r\n" + part + b"--b--", Content_Type="multipart/form-data; boundary=b"
    )
    file = asked.files["f"]
    assert (file.filename, file.content_type, file.mimetype) == ("€.txt", None, "")


def test_a_part_with_half_line_ends_is_still_read() -> None:
    part = b"Content-Disposition: form-data; name=a\nX: 1\r\n\r\n1\r\n"
    asked = request(
        body=b"--b\r\n" + part + b"--b--", Content_Type="multipart/form-data; boundary=b"
    )
    assert asked.form.to_dict() == {"a": "1"}


def test_what_a_client_takes_is_compared_with_what_there_is() -> None:
    accept = request(Accept="text/*;q=0.5, application/json, image/png;q=0").accept_mimetypes
    assert accept.best == "application/json"
    assert accept.best_match(["text/csv", "application/json"]) == "application/json"
    assert accept.best_match(["image/png"], "none of it") == "none of it"
    assert (accept.accept_json, accept.accept_html, "image/png" in accept) == (True, True, False)
    assert request().accept_mimetypes.best is None


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("Basic dTpwOnc=", ("basic", "u", "p:w", None)),
        ("Bearer abc", ("bearer", None, None, "abc")),
    ],
)
def test_who_the_client_is_is_read(header: str, found: tuple[str | None, ...]) -> None:
    who = request(Authorization=header).authorization
    assert who is not None
    assert (who.type, who.username, who.password, who.token) == found


@pytest.mark.parametrize("header", ["", "Basic", "Basic a", "Basic /w=="])
def test_who_is_nobody_is_none(header: str) -> None:
    assert request(Authorization=header).authorization is None


def test_a_request_is_told_as_wsgi_tells_it() -> None:
    asked = request("/score?a=1", b"body", X_Test="1", Content_Type="text/plain")
    environ = asked.environ
    assert environ["REQUEST_METHOD"] == "POST"
    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/score", "a=1")
    assert (environ["CONTENT_TYPE"], environ["HTTP_X_TEST"]) == ("text/plain", "1")
    assert environ["wsgi.input"].read() == b"body"


def test_pairs_of_a_query_are_listed_one_by_one() -> None:
    args = request("/score?a=1&a=2").args
    assert list(args.items(multi=True)) == [("a", "1"), ("a", "2")]
    assert list(args.items()) == [("a", "1")]


def test_json_needs_its_content_type() -> None:
    assert request(body=b'{"a": 1}', Content_Type="application/json").json == {"a": 1}
    assert request(body=b"[1]").get_json(force=True) == [1]
    assert request(body=b"[1]").get_json(silent=True) is None
    assert request(body=b"no", Content_Type="application/json").get_json(silent=True) is None
    with pytest.raises(UnsupportedMediaTypeError):
        request(body=b"[1]").get_json()
