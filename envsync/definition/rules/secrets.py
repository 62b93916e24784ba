"""Rules about secrets; no finding shows one, it names the key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from envsync.definition.rules.diagnosis import Diagnosis, warning
from envsync.definition.rules.document import Value
from envsync.errors import Finding
from envsync.yamlio import Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envsync.definition.rules.document import Document
    from envsync.definition.rules.subject import Subject

_HINT = "take it out, and have it replaced: whoever could read this file has it"

# The words of a key that say what its value is, and the last words that say it is not that.
_SECRET_WORDS = re.compile(
    r"(?:^|_)(?:password|passwd|passphrase|pwd|secret|token|apikey|credentials?|sas"
    r"|(?:api|access|account|auth|client|encryption|private|shared|signing|storage|subscription)_key"
    r"|connection_?string|conn_str)(?:_|$)"
)
_ABOUT_A_SECRET = re.compile(
    r"_(?:name|url|uri|file|path|id|endpoint|length|limit|type|ttl|expiry|scope|host|dir|enabled)$"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOT_A_SECRET = re.compile(
    r"\s*|\$\{.*\}|\$\(.*\)|\$\w+|%\w+%|<.*>|\{\{.*\}\}|\*+|(?i:true|false|none|null|changeme)|\d{1,4}"
)


class _Shape(NamedTuple):
    pattern: re.Pattern[str]
    message: str


_SHAPES = (
    _Shape(
        re.compile(
            r"\b(?:https?|ftps?)://"
            r"(?:[^/@\s:]*:(?![<${*])[^/@\s]+|(?![<${*]|git@)[^/@\s:]+)@"
        ),
        "the address holds a user name, password or token",
    ),
    _Shape(re.compile(r"/t/(?![<${*])[^/\s]+(?=/|$)"), "the address holds a channel token"),
    _Shape(
        re.compile(
            r"[?&](?:sig|signature|token|access_token|api_?key|password|pwd|code"
            r"|X-Amz-Signature)=(?![<${*])[^&\s#]+",
            re.IGNORECASE,
        ),
        "the address is signed: it opens what it names to everyone",
    ),
    _Shape(
        re.compile(r"(?:AccountKey|SharedAccessKey|SharedAccessSignature)=(?![<${*])[^;\s]+"),
        "the connection string holds a key",
    ),
    _Shape(re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"), "this is a private key"),
    _Shape(
        re.compile(
            r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|hf_[A-Za-z0-9]{20,}"
            r"|AKIA[0-9A-Z]{16}|xox[abp]-[\w-]{10,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}|pypi-AgE[\w-]{20,})"
        ),
        "this has the form of an access token",
    ),
)
_ASSIGNMENT = re.compile(r"(?:--env[= ]|-e ?)?([A-Za-z_]\w*)=(.+)", re.DOTALL)
_DOCKER_ASSIGNMENT = re.compile(
    r"^[ \t]*(?:ENV|ARG)[ \t]+([A-Za-z_]\w*)(?:=|[ \t]+)[\"']?([^\s\"']+)",
    re.IGNORECASE | re.MULTILINE,
)
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*", re.MULTILINE)


def check_secrets(subject: Subject) -> Iterator[Diagnosis]:
    """Find credentials in any of the files."""
    for document in subject.documents:
        if document.language is None:
            yield from _check_lines(document, document.text, "")
            continue
        for value in Value(document, (), document.root).walk():
            message = _find_in_value(value)
            if message is not None:
                yield warning("secret", value.finding(message, _HINT))
        if document.language == "yaml":
            yield from _check_comments(document)


def is_secret_name(name: str) -> bool:
    """Tell whether a variable or key called *name* holds a secret, as far as names tell."""
    words = _CAMEL.sub("_", name).replace("-", "_").replace(".", "_").lower()
    return bool(_SECRET_WORDS.search(words)) and not _ABOUT_A_SECRET.search(words)


def _find_in_value(value: Value) -> str | None:
    if not isinstance(value.node, Scalar) or not value.text:
        return None
    if value.key is not None and is_secret_name(value.key.text) and _is_secret(value.text):
        return "a secret stands here in clear text"
    return find_secret(value.text)


def find_secret(text: str) -> str | None:
    """Say what secret *text* holds, None if it seems to hold none."""
    assignment = _ASSIGNMENT.fullmatch(text)
    if assignment is not None and is_secret_name(assignment[1]) and _is_secret(assignment[2]):
        return f"`{assignment[1]}` is given a secret in clear text"
    for match in _DOCKER_ASSIGNMENT.finditer(text):
        if is_secret_name(match[1]) and _is_secret(match[2]):
            return f"`{match[1]}` is given a secret in clear text"
    if "/" not in text and "=" not in text and len(text) < 20:  # noqa: PLR2004  # no shape fits
        return None
    return next((shape.message for shape in _SHAPES if shape.pattern.search(text)), None)


def _is_secret(text: str) -> bool:
    return not _NOT_A_SECRET.fullmatch(text)


def _check_comments(document: Document) -> Iterator[Diagnosis]:
    if "#" in document.text:
        comments = "\n".join(
            match.group() if (match := _COMMENT.search(line)) is not None else ""
            for line in document.text.splitlines()
        )
        yield from _check_lines(document, comments, "in a comment: ")


def _check_lines(document: Document, text: str, where: str) -> Iterator[Diagnosis]:
    for number, line in enumerate(text.splitlines(), start=1):
        message = find_secret(line.strip())
        if message is not None:
            file = str(document.path)
            finding = Finding(file=file, message=where + message, hint=_HINT, line=number, column=1)
            yield warning("secret", finding)
