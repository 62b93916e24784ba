"""Text as it may be shown: without secrets, on one line, not too long."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONGEST = 100

_USERINFO = re.compile(r"(?<=://)[^/\s]*@")
_CHANNEL_TOKEN = re.compile(r"(?<=/t/)[^/\s]+")
_REFERENCE_USER = re.compile(r".*@(?!sha256:)", re.DOTALL)
_REFERENCE_QUERY = re.compile(r"\?.*", re.DOTALL)
_QUERY = re.compile(r"(?<=\?)[^\s#]+")


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A value that no message, log or `repr` may show."""

    value: str

    def __str__(self) -> str:
        return "***"

    def __repr__(self) -> str:
        return "Secret(***)"


def redact(text: str) -> str:
    """Return *text* with what its URLs may hide replaced by `***`.

    That is a user and password before the host, a conda token (`/t/TOKEN/`), and a query string,
    which is where signed addresses keep their signature.
    """
    if "/" not in text:
        return text
    text = _USERINFO.sub("***@", text)
    text = _CHANNEL_TOKEN.sub("***", text)
    return _QUERY.sub("***", text) if "://" in text else text


def redact_reference(text: str) -> str:
    """Return *text*, meant to be an image reference, without what else addresses may hold."""
    return _REFERENCE_QUERY.sub("?***", _REFERENCE_USER.sub("***@", text))


def quote(text: str) -> str:
    """Return *text* in backticks as a message may show it: redacted, printable, shortened."""
    return f"`{shorten(redact(text))}`"


def shorten(text: str) -> str:
    """Return *text* printable and not too long; it must not hold a secret."""
    shown = text[: _LONGEST + 1]
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
