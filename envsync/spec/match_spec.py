"""The form of a conda match spec (CEP 29), checked before any solver sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from envsync.model.redaction import quote


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchSpec:
    """One match spec taken apart; *version* and *build* are as written, None for any.

    *brackets* holds the `key=value` pairs in `[...]`, which count before the plain form.
    """

    name: str
    channel: str | None = None
    version: str | None = None
    build: str | None = None
    brackets: tuple[tuple[str, str], ...] = ()


class MatchSpecError(ValueError):
    """A text that is no match spec; *hint* says what its author may have meant."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


LONGEST = 1000

# CEP 26 allows lower case only; conda itself lowers what it is given.
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
_SPEC = re.compile(
    rf"(?:(?P<channel>[^\s=<>!~,|\[\]#]*(?:\[[^\]]*\])?):(?P<namespace>[^:\s]*):)?"
    rf"(?P<name>{_NAME.pattern})\s*"
    r"(?P<version>(?:[=<>!~]|(?<=\s))[^\[\]]*?)?"
    r"\s*(?P<brackets>\[.*\])?"
)
_CONSTRAINT = re.compile(
    r"(?:(?:==?|~=|<=|>=)?\s*\*"
    r"|(?:==?|!=|~=|<=|>=|<|>)?\s*(?:[0-9]+!)?[0-9][0-9A-Za-z.+_*-]*"
    r"|(?:==?|!=)\s*[A-Za-z][0-9A-Za-z.+_*-]*)(?<!\.)"
)
_BUILD = re.compile(r"[A-Za-z0-9_.+*^$()|-]+")
_PAIR = re.compile(
    r"""\s*(?P<key>[A-Za-z_]\w*)\s*=\s*(?P<value>"[^"]*"|'[^']*'|[^,'"\]]+)\s*(?:,|$)"""
)
_KEYS = frozenset(
    (
        *("name", "namespace", "version", "build", "build_number", "channel", "subdir"),
        *("fn", "md5", "sha256", "url", "license", "license_family"),
        *("features", "track_features", "optional", "target"),
    )
)


def parse_match_spec(text: str) -> MatchSpec:
    """Return *text* taken apart as conda reads it.

    Raises:
        MatchSpecError: conda, or a solver that guesses more kindly, would misread it.
    """
    text = text.strip()
    match = _SPEC.fullmatch(text) if len(text) <= LONGEST else None
    if match is None:
        raise _explain(text)
    version, build = _split_version(match["version"] or "", text)
    return MatchSpec(
        name=match["name"].lower(),
        channel=match["channel"],
        version=version,
        build=build,
        brackets=_read_brackets(match["brackets"], text),
    )


def _split_version(rest: str, text: str) -> tuple[str | None, str | None]:
    """Cut `=1.0=py38_0`, `==1.0=py38_0`, `1.0 py38_0` and `>=1,<2` into version and build."""
    rest = rest.strip()
    if not rest:
        return None, None
    version, build = rest, None
    exact = re.fullmatch(r"(=?=?\s*[0-9A-Za-z*][^=<>~,|\s]*)\s*=\s*([^=<>!~\s]+)", rest)
    spaced = re.fullmatch(r"(\S.*?)(?<![\s,|=<>!~])\s+([^\s=<>!~,|]+)", rest)
    if exact is not None:
        version, build = exact.groups()
    elif spaced is not None:
        version, build = spaced.groups()
    if version.count("(") != version.count(")"):
        raise _explain(text)
    for part in re.split(r"[,|]", version.strip("()")):
        if not _CONSTRAINT.fullmatch(part.strip("() ")):
            raise _explain(text)
    if build is not None and not _BUILD.fullmatch(build):
        raise _explain(text)
    return version.strip(), build


def _read_brackets(brackets: str | None, text: str) -> tuple[tuple[str, str], ...]:
    if brackets is None:
        return ()
    inside, pairs, position = brackets[1:-1], [], 0
    while position < len(inside):
        match = _PAIR.match(inside, position)
        if match is None or match["key"] not in _KEYS:
            raise _explain(text)
        pairs.append((match["key"], match["value"].strip("'\" ")))
        position = match.end()
    return tuple(pairs)


# What a text may be instead, and what to do about it.
_INSTEAD = (
    (re.compile(r"-"), "is an option of pip", "write it under `- pip:`"),
    (re.compile(r".*\{\{"), "is a template", "fill in its value"),
    (
        re.compile(r".*://|.*\.(?:whl|tar\.gz|conda|tar\.bz2)$"),
        "is an address",
        "write `channel::name=version`, or put a Python package under `- pip:`",
    ),
    (
        re.compile(r"[\w.-]+\s*\[[\w\s.,-]*\]"),
        "has extras, which conda does not know",
        "write it under `- pip:`",
    ),
    (re.compile(r".*(?:;|\s@\s)"), "is a pip requirement", "write it under `- pip:`"),
)


def _explain(text: str) -> MatchSpecError:
    """Say what *text* is instead, and what its author may have meant."""
    if not text:
        return MatchSpecError("the item is empty", hint="remove it")
    text = text[: LONGEST + 1]
    for pattern, what, hint in _INSTEAD:
        if pattern.match(text):
            return MatchSpecError(f"{quote(text)} {what}", hint=hint)
    message = f"{quote(text)} is not a match spec"
    meant = text.replace("=>", ">=").replace("=<", "<=").replace("===", "==").rstrip("=<>!~, ")
    if meant in {text, ""} or len(text) > LONGEST:
        return MatchSpecError(message)
    try:
        parse_match_spec(meant)
    except MatchSpecError:
        return MatchSpecError(message)
    return MatchSpecError(message, hint=f"did you mean {quote(meant)}?")
