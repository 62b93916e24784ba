"""Text as it may be shown: without secrets, on one line, not too long."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONGEST = 100

# The end of a host can't be a port here, so what comes before the next `@` is a password that has
# a `/`, `?` or `#` in it.
ODD_USERINFO = re.compile(r"(?<=://)(?<!ssh://)[^/?#\s@:\[\]]*:(?!\d*(?:[/?#\s]|$))[^\s@]*@")
# Up to what a sentence has behind an address, unless more of the address follows.
QUERY = re.compile(r"(?<=\?)[^\s#]*?(?=[)\]}>\"'`,;:.]*(?:[\s#]|$))")
# What stands before a value that opens what the address names.
_NAMES = (
    r"sig|signature|(?:\w+_)?token|api_?key|access_?key|key|password|passwd|pwd|secret|code|auth"
    r"|X-Amz-(?:Signature|Credential|Security-Token)"
)
# Outside of a query: behind `&`, in a fragment, or where one is written in percent signs.
LOOSE = re.compile(
    rf"((?:[&#;]|%3F|%26|%23)(?:{_NAMES})(?:=|%3D))(?:(?!%26|%23)[^\s&#;)\]}}>\"'`,])+",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"(?<=://)[^/\s]*@")
_CHANNEL_TOKEN = re.compile(r"(?<=/t/)[^/\s]+")
_REFERENCE_USER = re.compile(r".*@(?!sha256:)", re.DOTALL)
_REFERENCE_QUERY = re.compile(r"\?.*", re.DOTALL)


_NAMED = re.compile(rf"(?:^|[?&#;])(?:{_NAMES})=([^&#;]*)", re.IGNORECASE)


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
    which is where signed addresses keep their signature, or what is called like one elsewhere.
    """
    if "/" not in text:
        return text
    text = _USERINFO.sub("***@", ODD_USERINFO.sub("***@", text))
    text = _CHANNEL_TOKEN.sub("***", text)
    return LOOSE.sub(r"\1***", QUERY.sub(_hide, text)) if "://" in text else text


def _hide(query: re.Match[str]) -> str:
    return "***" if query[0] else ""


def find_named_secrets(query: str) -> list[str]:
    """Return the values in *query*, or in a fragment, that are secrets by their names."""
    return _NAMED.findall(query)


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
