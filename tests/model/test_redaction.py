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
