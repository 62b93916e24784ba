"""What scripts that answer requests themselves may do wrong, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.served import serve_script

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

SCRIPT = """
from azureml.contrib.services.aml_request import rawhttp
from azureml.contrib.services.aml_response import AMLResponse

def init():
    pass

def broken():
    raise ValueError("before the first piece")
    yield ""

ANSWERS = {
    "status 100": lambda: AMLResponse("x", 100),
    "status 0": lambda: AMLResponse("x", 0),
    "status -1": lambda: AMLResponse("x", -1),
    "status 1000": lambda: AMLResponse("x", 1000),
    "a number": lambda: AMLResponse(5, 200),
    "numbers": lambda: AMLResponse([1, 2], 200),
    "broken": lambda: AMLResponse(broken(), 200),
    "a name of two words": lambda: AMLResponse("x", 200, {"X A": "1"}),
    "a value beyond Latin-1": lambda: AMLResponse("x", 200, {"X-A": "\\u20ac"}),
    "a value of two lines": lambda: AMLResponse("x", 200, {"X-A": "1\\r\\nB: 2"}),
    "a list that is not text": lambda: AMLResponse(["x", 5], 200),
    "bytes after 204": lambda: AMLResponse(b"abc", 204),
    "pieces after 204": lambda: AMLResponse(iter(["a", "bc"]), 204),
    "bytes after 304": lambda: AMLResponse(b"abc", 304),
    "pieces after 304": lambda: AMLResponse(iter(["a", "bc"]), 304),
    "a list": lambda: AMLResponse(["a", "bc"], 200),
    "headers of ours": lambda: AMLResponse("x", 200, {
        "x-request-id": "mine", "x-ms-run-function-failed": "True", "x-ms-run-fn-exec-ms": "5",
        "Date": "now", "Content-Length": "7", "Connection": "upgrade"}),
}

@rawhttp
def run(request):
    asked = request.get_data(as_text=True)
    return ANSWERS[asked]() if asked in ANSWERS else [request.method, asked]
"""
FAILED = {
    "message": "An unexpected error occurred in scoring script. Check the logs for more info."
}
WRONG = (
    *("status 100", "status 0", "status -1", "status 1000", "a number", "numbers", "broken"),
    *("a name of two words", "a value beyond Latin-1", "a value of two lines"),
    "a list that is not text",
)


def test_what_is_no_answer_is_answered_as_a_failure(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, SCRIPT) as served:
        worker = served.worker_pids()
        answers = {asked: served.ask(body=asked) for asked in WRONG}
        assert served.ask(body="sound").json == ["POST", "sound"]
        assert served.worker_pids() == worker
    found = {asked: (answer.status, answer.json) for asked, answer in answers.items()}
    assert found == dict.fromkeys(WRONG, (500, FAILED))
    failed = {answer.headers["x-ms-run-function-failed"] for answer in answers.values()}
    assert failed == {"True"}


@pytest.mark.parametrize(
    "decorated",
    [
        "@rawhttp\ndef run(request): return request.method",
        "@rawhttp\ndef other(): pass\ndef run(request): return request.method",
        (
            "class Model:\n    @rawhttp\n    def run(self, request): return request.method\n"
            "run = Model().run"
        ),
        (
            "import functools\n@rawhttp\ndef other(request): return request.method\n"
            "run = functools.partial(other)"
        ),
    ],
)
def test_a_run_takes_requests_wherever_the_decorator_stands(
    python: Path, tmp_path: Path, decorated: str
) -> None:
    imports = "from azureml.contrib.services.aml_request import rawhttp\ndef init(): pass\n"
    with serve_script(python, tmp_path, imports + decorated) as served:
        assert served.ask(body="x").json == "POST"


FLASK = """
import decimal
from azureml.contrib.services.aml_request import rawhttp
from flask import jsonify

def init():
    pass

@rawhttp
def run(request):
    return jsonify(
        who=request.authorization.username,
        best=request.accept_mimetypes.best,
        method=request.environ["REQUEST_METHOD"],
        exact=decimal.Decimal("1.50"),
    )
"""


def test_what_flask_tells_is_told_by_each_python(any_python: Path, tmp_path: Path) -> None:
    headers = {"Authorization": "Basic dTpw", "Accept": "text/csv, text/html;q=0.5"}
    with serve_script(any_python, tmp_path, FLASK) as served:
        answer = served.ask(body="x", headers=headers)
    assert answer.body == b'{"best":"text/csv","exact":"1.50","method":"POST","who":"u"}\n'


@pytest.mark.parametrize("asked", ["bytes", "pieces"])
@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_body_has_none_that_the_next_answer_could_be_taken_for(
    python: Path, tmp_path: Path, asked: str, status: int
) -> None:
    body = f"{asked} after {status}".encode()
    first = b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    last = b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"
    with serve_script(python, tmp_path, SCRIPT) as served:
        head, _, rest = served.send_raw(first + last).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nContent-Length:" not in head
    assert b"\r\nTransfer-Encoding:" not in head
    assert rest.startswith(b"HTTP/1.1 200 ")


def test_a_list_is_answered_whole_and_headers_come_once(python: Path, tmp_path: Path) -> None:
    with serve_script(python, tmp_path, SCRIPT) as served:
        listed = served.ask(body="a list")
        found = served.send_raw(
            b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: 15\r\n"
            b"Connection: close\r\n\r\nheaders of ours"
        )
    assert (listed.headers["Content-Length"], listed.body) == ("3", b"abc")
    lines = found.partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")[1:]
    names = [line.partition(":")[0] for line in lines]
    assert len(names) == len(set(names))
    assert "x-ms-run-function-failed: true" in lines
    assert "content-length: 1" in lines
    assert "connection: close" in lines


def test_the_answer_to_head_has_no_body(python: Path, tmp_path: Path) -> None:
    request = b"HEAD /score HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"
    with serve_script(python, tmp_path, SCRIPT) as served:
        head, _, rest = served.send_raw(request + last).partition(b"\r\n\r\n")
    assert b"\r\nContent-Length: 12" in head
    assert rest.startswith(b"HTTP/1.1 200 ")
    assert rest.endswith(b'\r\n\r\n["POST", "x"]')


@pytest.mark.parametrize(
    "target", ["/%73core", "http://a.example:80/score?x=1", "//score", "/score#x"]
)
def test_other_spellings_of_a_path_are_the_same(python: Path, tmp_path: Path, target: str) -> None:
    request = (
        f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"
    )
    with serve_script(python, tmp_path, SCRIPT) as served:
        assert served.send_raw(request.encode()).startswith(b"HTTP/1.1 200 ")
