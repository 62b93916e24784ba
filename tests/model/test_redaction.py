from __future__ import annotations

import pytest

from envsync.model.redaction import Secret, quote, redact


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
        ("a @ https://example.org/a.whl?sv=1&sig=FAKE#x", "a @ https://example.org/a.whl?***#x"),
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
    ],
)
def test_what_an_address_may_hide_is_not_shown(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_quoted_text_is_printable_and_short() -> None:
    assert quote("a\x1b[31m\ud800") == r"`a\x1b[31m\ud800`"
    assert quote("a" * 5000) == "`" + "a" * 99 + "…`"
    assert quote("https://" + "u" * 20_000 + "@example.org") == "`https://***@example.org`"


def test_secret_shows_itself_nowhere() -> None:
    secret = Secret("FAKE")
    assert (str(secret), repr(secret), f"{secret}") == ("***", "Secret(***)", "***")
    assert secret.value == "FAKE"
    assert secret == Secret("FAKE")
