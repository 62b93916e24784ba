from __future__ import annotations

import time

import pytest

from envsync.model.text.redaction import Secret, quote, redact, redact_reference


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("numpy>=1.2", "numpy>=1.2"),
        ("https://user:FAKE@example.org/simple", "https://***@example.org/simple"),
        ("https://user:FA@KE@example.org", "https://***@example.org"),
        ("https://example.org/a.zip?FAKE", "https://example.org/a.zip?***"),
        ("git+https://FAKE@example.org/a.git@v1", "git+https://***@example.org/a.git@v1"),
        ("https://example.org/t/FAKE/acme", "https://example.org/t/***/acme"),
        ("/t/FAKE", "/t/***"),
        ("a @ https://example.org/a.whl?sv=1&sig=FAKE#x", "a @ https://example.org/a.whl?***#***"),
        ("./a?b=c", "./a?b=c"),
        ("see (https://e.org/a?sig=FAKE), then", "see (https://e.org/a?***), then"),
        ("`https://e.org/a?sig=FA'K)E`: gone", "`https://e.org/a?***`: gone"),
        ('"https://e.org/a?b&token=FAKE".', '"https://e.org/a?***".'),
        ("is it at https://e.org/a? Yes", "is it at https://e.org/a? Yes"),
        ("https://e.org/a#sig=FAKE", "https://e.org/a#sig=***"),
        ("https://e.org/a#egg=x&access_token=FAKE", "https://e.org/a#egg=x&access_token=***"),
        ("https://e.org/a;TOKEN=FAKE", "https://e.org/a;TOKEN=***"),
        ("https://e.org/a%3Fsig%3DFAKE%26x=1", "https://e.org/a%3Fsig%3D***%26x=1"),
        ("https://u:FA/KE@e.org/a.git@v1", "https://***@e.org/a.git@v1"),
        ("https://u:FA?K#E@e.org/a", "https://***@e.org/a"),
        ("https://u:FA%2FK%40E@e.org/a", "https://***@e.org/a"),
        ("https://e.org:8080/a@b", "https://e.org:8080/a@b"),
        ("https://e.org/a#sha256=0&subdirectory=s", "https://e.org/a#sha256=0&subdirectory=s"),
        ("https://u:pw FAKE@e.org/a", "https://***@e.org/a"),
        ("--index-url http://u:pw\tFAKE@e.org/a", "--index-url http://***@e.org/a"),
        ("http:/u:FAKE@e.org/a", "http:/***@e.org/a"),
        ("//u:FAKE@e.org/a", "//***@e.org/a"),
        ("http:\\\\u:FAKE@e.org/a", "http:\\\\***@e.org/a"),
        ("http%3A%2F%2Fu:FAKE@e.org", "http%3A%2F%2F***@e.org"),
        ("u:FAKE@e.org/a", "***@e.org/a"),
        ("u:FAKE@host:a", "***@host:a"),
        ("https://e.org/c#FAKE", "https://e.org/c#***"),
        ("`https://e.org/c#FAKE::six` is", "`https://e.org/c#***::six` is"),
        (f"https://e.org/a.conda#{'0' * 32}", f"https://e.org/a.conda#{'0' * 32}"),
        (f"https://e.org/a#sha256:{'a' * 64}", f"https://e.org/a#sha256:{'a' * 64}"),
        (f"python:3.11@sha256:{'a' * 64}", f"python:3.11@sha256:{'a' * 64}"),
        (f"h:5000/a:1@sha256:{'a' * 64}", f"h:5000/a:1@sha256:{'a' * 64}"),
        ("git@github.com:a/b.git", "git@github.com:a/b.git"),
        ("git+ssh://git@github.com/a/b.git@v1", "git+ssh://***@github.com/a/b.git@v1"),
        ("mail a@e.org: at 12:30@x/y", "mail a@e.org: at 12:30@x/y"),
        ("https://e.org: ask me@e.org/a", "https://e.org: ask me@e.org/a"),
        ("conda-forge::a", "conda-forge::a"),
        ("C:\\a\\b@c", "C:\\a\\b@c"),
    ],
)
def test_what_an_address_may_hide_is_not_shown(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize("mark", ["?", "#", ";", "%3F", "%23"])
def test_a_reference_of_an_image_shows_nothing_behind_its_path(mark: str) -> None:
    assert redact_reference(f"h.example/a:1{mark}token=FAKE") == f"h.example/a:1{mark}***"


@pytest.mark.parametrize("part", ["http:/", "a.", ":", "//a:", "://a:b ", "%3A%2F%2F", "a:b@", "#"])
def test_a_long_text_is_redacted_at_once(part: str) -> None:
    start = time.monotonic()
    redact(part * 5_000)
    assert time.monotonic() - start < 2


def test_quoted_text_is_printable_and_short() -> None:
    assert quote("a\x1b[31m\ud800") == r"`a\x1b[31m\ud800`"
    assert quote("a" * 5000) == "`" + "a" * 99 + "…`"
    assert quote("https://" + "u" * 20_000 + "@example.org") == "`https://***@example.org`"


def test_secret_shows_itself_nowhere() -> None:
    secret = Secret("FAKE")
    assert (str(secret), repr(secret), f"{secret}") == ("***", "Secret(***)", "***")
    assert secret.value == "FAKE"
    assert secret == Secret("FAKE")
