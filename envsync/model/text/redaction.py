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
# Userinfo where somebody has misspelt an address: blanks in the password, one slash, backslashes,
# percent signs, no scheme, nothing but `user:password@host`. A digest behind `@` is no host.
_MISSPELT = (
    re.compile(
        r"((?<!ssh)://)[^/?#\s@:\[\]`'\"]{0,200}:(?!\d+\b)[^\s@`'\"][^@\n`'\"]{0,200}@(?=[\w\[])"
    ),
    re.compile(
        r"((?<![A-Za-z])[A-Za-z][A-Za-z0-9+.-]{1,15}(?::/(?!/)|:\\{1,2}|%3A%2F%2F))"
        r"[^/\s@\\:]{0,200}(?::|%3A)[^\s@]{0,200}@",
        re.IGNORECASE,
    ),
    re.compile(r"((?<![:\w/\\])//)[^/\s@:]{0,200}:[^\s@]{1,200}@"),
    re.compile(
        r"((?<![\w/.@:+%\\-]))(?!\d+:\d+@)[\w.+-]{1,200}:(?![:\\])[^\s@/:]{1,200}@"
        r"(?!sha\d+:)(?=[\w.-]{1,200}[/:])"
    ),
)
# A fragment that names nothing (`egg=x`) and is no hash is for whoever wrote it, not for readers.
_NAMELESS = re.compile(
    r"(://[^\s#]*#)(?!\w[\w.-]*=|(?:sha256:|md5:)?[0-9A-Fa-f]{32,128}\b)"
    r"(?:(?!::)\S)+?(?=[)\]}>\"'`,;:.]*(?:\s|$)|::)"
)
_CHANNEL_TOKEN = re.compile(r"(?<=[/\s]t/)[^/\s]+")
_REFERENCE_USER = re.compile(r".*@(?!sha256:)", re.DOTALL)
_REFERENCE_QUERY = re.compile(r"(\?|#|;|%3F|%23).*", re.DOTALL | re.IGNORECASE)


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
    if "/" not in text and "@" not in text and "%" not in text:
        return text
    text = _USERINFO.sub("***@", ODD_USERINFO.sub("***@", text))
    text = _CHANNEL_TOKEN.sub("***", hide_misspelt(text, "***@"))
    if "://" not in text:
        return text
    return hide_nameless(LOOSE.sub(r"\1***", QUERY.sub(_hide, text)), r"\1***")


def hide_misspelt(text: str, mark: str) -> str:
    """Return *text* with *mark* for user and password in what was meant to be an address."""
    if "@" in text:
        for pattern in _MISSPELT:
            text = pattern.sub(rf"\g<1>{mark}", text)
    return text


def hide_nameless(text: str, mark: str) -> str:
    """Return *text* with *mark* for what is before and in fragments that name nothing.

    Group 1 of *mark*, as `re` spells it, is all up to the `#`.
    """
    return _NAMELESS.sub(mark, text) if "#" in text else text


def _hide(query: re.Match[str]) -> str:
    return "***" if query[0] else ""


def find_named_secrets(query: str) -> list[str]:
    """Return the values in *query*, or in a fragment, that are secrets by their names."""
    return _NAMED.findall(query)


def redact_reference(text: str) -> str:
    """Return *text*, meant to be an image reference, without what else addresses may hold."""
    return _REFERENCE_QUERY.sub(r"\1***", _REFERENCE_USER.sub("***@", text))


def quote(text: str) -> str:
    """Return *text* in backticks as a message may show it: redacted, printable, shortened."""
    return f"`{shorten(redact(text))}`"


def shorten(text: str) -> str:
    """Return *text* printable and not too long; it must not hold a secret."""
    shown = text[: _LONGEST + 1]
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
