"""Text that may be shown: without secrets, on one line, not too long."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONGEST = 100

# No port follows the colon here, so the text before the next `@` is a password with a `/`, `?`
# or `#` in it.
ODD_USERINFO = re.compile(r"(?<=://)(?<!ssh://)[^/?#\s@:\[\]]*:(?!\d*(?:[/?#\s]|$))[^\s@]*@")
# Up to the punctuation of a sentence, unless more of the address follows.
QUERY = re.compile(r"(?<=\?)[^\s#]*?(?=[)\]}>\"'`,;:.]*(?:[\s#]|$))")
# The names of values that give access.
_NAMES = (
    r"sig|signature|(?:\w+_)?token|api_?key|access_?key|key|password|passwd|pwd|secret|code|auth"
    r"|X-Amz-(?:Signature|Credential|Security-Token)"
)
# Outside of a query: behind `&`, in a fragment, or in a percent-encoded query.
LOOSE = re.compile(
    rf"((?:[&#;]|%3F|%26|%23)(?:{_NAMES})(?:=|%3D))(?:(?!%26|%23)[^\s&#;)\]}}>\"'`,])+",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"(?<=://)[^/\s]*@")
# Userinfo in a misspelt address: blanks in the password, one slash, backslashes, percent signs,
# no scheme, or just `user:password@host`. A digest behind `@` is not a host.
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
# A fragment that is neither `name=value` (`egg=x`) nor a hash may be a secret.
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
    """Return *text* with `***` for the secrets in its URLs.

    These are a user and password before the host, a conda token (`/t/TOKEN/`), the query string,
    where signed addresses have their signature, and values elsewhere that are named like secrets.
    """
    if "/" not in text and "@" not in text and "%" not in text:
        return text
    text = _USERINFO.sub("***@", ODD_USERINFO.sub("***@", text))
    text = _CHANNEL_TOKEN.sub("***", hide_misspelt(text, "***@"))
    if "://" not in text:
        return text
    return hide_nameless(LOOSE.sub(r"\1***", QUERY.sub(_hide, text)), r"\1***")


def hide_misspelt(text: str, mark: str) -> str:
    """Return *text* with *mark* for user and password in misspelt addresses."""
    if "@" in text:
        for pattern in _MISSPELT:
            text = pattern.sub(rf"\g<1>{mark}", text)
    return text


def hide_nameless(text: str, mark: str) -> str:
    """Return *text* with *mark* for fragments that may be secrets, and the address before them.

    Group 1 in *mark* is the address up to the `#`.
    """
    return _NAMELESS.sub(mark, text) if "#" in text else text


def _hide(query: re.Match[str]) -> str:
    return "***" if query[0] else ""


def find_named_secrets(query: str) -> list[str]:
    """Return the values in *query*, or in a fragment, that are named like secrets."""
    return _NAMED.findall(query)


def redact_reference(text: str) -> str:
    """Return the image reference *text* without user, password and query."""
    return _REFERENCE_QUERY.sub(r"\1***", _REFERENCE_USER.sub("***@", text))


def quote(text: str) -> str:
    """Return *text* in backticks for a message: redacted, printable, shortened."""
    return f"`{shorten(redact(text))}`"


def shorten(text: str) -> str:
    """Return *text* printable and not too long; secrets are not hidden."""
    shown = text[: _LONGEST + 1]
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
