"""The form of a conda match spec (CEP 29), checked before any solver sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.definition.reading.repairs import REMOVE_ITEM, suggest_text
from envsync.model.text.redaction import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envsync.remedy import Hint, Remedy


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
    """A text that is not a match spec; *hint* says what its author may have meant.

    *is_for_pip* is true if pip would take it.
    """

    def __init__(
        self,
        message: str,
        *,
        rule: str = "not-a-match-spec",
        hint: Hint | None = None,
        is_for_pip: bool = False,
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.hint = hint
        self.is_for_pip = is_for_pip


LONGEST = 1000

_COMMENT = re.compile(r"(?<=\S)\s+#.*", re.DOTALL)  # conda cuts it off
_SUPERFLUOUS = re.compile(r"(>\s*[0-9][^,|\s*]*?)\.?\*")
_ARCHIVE = re.compile(
    r"(?:https?://conda\.anaconda\.org/)?(?P<channel>\S+)/(?:noarch|[a-z]+-[a-z0-9]+)/"
    r"(?P<name>[^/\s]+)-(?P<version>[^/\s-]+)-(?P<build>[^/\s-]+)\.(?:conda|tar\.bz2)(?:#\S*)?"
)
_WRITE = "write `name`, `name=1.2`, `name>=1.2,<2` or `channel::name=1.2=build`"

# CEP 26 allows lower case only; conda itself lowers what it is given.
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
_SPEC = re.compile(
    rf"(?:(?P<channel>[^\s=<>!~,|\[\]#]*(?:\[[^\]]*\])?):(?P<namespace>[^:\s]*):)?"
    rf"(?P<name>{_NAME.pattern})\s*"
    r"(?P<version>(?:[=<>!~]|(?<=\s))[^\[\]]*?)?"
    r"\s*(?P<brackets>\[.*\])?"
)
_CONSTRAINT = re.compile(
    r"(?:(?:==?|<=|>=)?\s*\*"
    r"|(?:==?|!=|<=|>=|<|>)?\s*(?:[0-9]+!)?[0-9][0-9A-Za-z.+_-]*\*?"
    r"|~=\s*(?:[0-9]+!)?[0-9]+(?:\.[0-9A-Za-z+_-]+)+"
    r"|(?:==?|!=)\s*[A-Za-z][0-9A-Za-z.+_-]*\*?)(?<!\.)"
)
_BUILD = re.compile(r"[A-Za-z0-9_.+*-]+|\^[A-Za-z0-9_.+*()|-]*\$")
_PAIR = re.compile(
    r"""\s*(?P<key>[A-Za-z_]\w*)\s*=\s*(?P<value>"[^"]*"|'[^']*'|[^,'"\]]+)\s*(?:,(?!\s*$)|$)"""
)
_DIGITS = {"md5": 32, "sha256": 64}
_KEYS = frozenset(
    (
        *("namespace", "version", "build", "build_number", "channel", "subdir"),
        *("fn", "md5", "sha256", "url", "license", "license_family"),
        "track_features",
    )
)


def parse_match_spec(text: str) -> MatchSpec:
    """Return *text* taken apart as conda reads it.

    Raises:
        MatchSpecError: conda, or a solver that guesses more kindly, would misread it.
    """
    text = text.strip()
    if len(text) > LONGEST:
        raise _explain(text)
    text = _COMMENT.sub("", text)
    match = _SPEC.fullmatch(text)
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


def spell_for_solver(text: str) -> str:
    """Return the match spec *text* in a spelling that rattler reads as conda reads this one.

    It takes the space in `=1.2 =py38_0` for a part of the build, knows no build behind `>=1.2`,
    and heeds the `.*` in `>1.2.*`, of which conda makes `>1.2`.
    """
    spec = parse_match_spec(text)
    version = _SUPERFLUOUS.sub(r"\1", spec.version or "")
    if spec.build is None and version == (spec.version or ""):
        return _COMMENT.sub("", text.strip())
    channel = f"{spec.channel}::" if spec.channel is not None else ""
    exact = re.sub(r"^=(?!=)", "", version) if spec.build is not None else version
    words = (spec.name, exact.replace(" ", ""), spec.build or "")
    brackets = ",".join(f'{key}="{value}"' for key, value in spec.brackets)
    plain = channel + " ".join(word for word in words if word)
    return f"{plain}[{brackets}]" if brackets else plain


def _split_version(rest: str, text: str) -> tuple[str | None, str | None]:
    """Cut `=1.0=py38_0`, `==1.0=py38_0`, `1.0 py38_0` and `>=1,<2` into version and build."""
    rest = rest.strip()
    if not rest:
        return None, None
    version, build = rest, None
    exact = re.fullmatch(r"([^|]*[0-9A-Za-z*])\s*=\s*([^=<>!~,\s]+)", rest)
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
        value = match["value"].strip("'\" ")
        digits = _DIGITS.get(match["key"])
        if digits is not None and not re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", value):
            message = f"{quote(text)} has no {match['key']}"
            raise MatchSpecError(message, hint=f"it is {digits} digits of 0 to 9 and a to f")
        pairs.append((match["key"], value))
        position = match.end()
    return tuple(pairs)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Instead:
    """What a text that matches *pattern* is, and what to do about it."""

    pattern: re.Pattern[str]
    what: str
    hint: str
    rule: str = "not-a-match-spec"
    is_for_pip: bool = False


_UNDER_PIP = "write it under `- pip:`"
_INSTEAD = (
    _Instead(
        pattern=re.compile(r"-"), what="is an option of pip", hint=_UNDER_PIP, is_for_pip=True
    ),
    _Instead(
        pattern=re.compile(r".*\{\{"),
        what="is a template",
        hint="fill in its value",
        rule="template",
    ),
    _Instead(
        pattern=re.compile(r"[=<>!~]"),
        what="has no name",
        hint="put one before it; between `[` and `]` quote an item that has a comma",
    ),
    _Instead(
        pattern=re.compile(r".*://|.*\.(?:whl|tar\.gz|conda|tar\.bz2)$"),
        what="is an address",
        hint="write `channel::name=version`, or put a Python package under `- pip:`",
        is_for_pip=True,
    ),
    _Instead(
        pattern=re.compile(r"[\w.-]+\s*\[[\w\s.,-]*\]"),
        what="has extras, which conda does not know",
        hint=_UNDER_PIP,
        is_for_pip=True,
    ),
    _Instead(
        pattern=re.compile(r".*(?:;|\s@\s)"),
        what="is a pip requirement",
        hint=_UNDER_PIP,
        is_for_pip=True,
    ),
)


def _explain(text: str) -> MatchSpecError:
    """Say what *text* is instead, and what its author may have meant."""
    if not text:
        return MatchSpecError("the item is empty", hint=REMOVE_ITEM, rule="empty-item")
    text = text[: LONGEST + 1]
    archive = _ARCHIVE.fullmatch(text)
    meant = _find_meant(text, [_spell_archive(archive)]) if archive else None
    for it in _INSTEAD:
        if it.pattern.match(text):
            return MatchSpecError(
                f"{quote(text)} {it.what}",
                rule=it.rule,
                hint=meant or it.hint,
                is_for_pip=it.is_for_pip and meant is None,
            )
    meant = _find_meant(text, _list_candidates(text))
    return MatchSpecError(f"{quote(text)} is not a match spec", hint=meant or _WRITE)


def _turn_operators(text: str) -> str:
    return text.replace("=>", ">=").replace("=<", "<=")


def _spell_archive(archive: re.Match[str]) -> str:
    channel, name, version, build = archive.group("channel", "name", "version", "build")
    return f"{channel}::{name}={version}={build}"


def _list_candidates(text: str) -> Iterator[str]:
    """Yield what the author of *text* may have meant."""
    swapped = _turn_operators(text).replace("===", "==")
    yield swapped.rstrip("=<>!~,. ")
    yield text.replace("~=", "=")
    yield re.sub(r"^([\w./-]+):(?=[A-Za-z_])", r"\1::", text)
    yield re.sub(r"['\"]", "", text)


def _find_meant(text: str, candidates: Iterable[str]) -> Remedy | None:
    for meant in candidates:
        if meant in {text, ""} or len(text) > LONGEST:
            continue
        try:
            parse_match_spec(meant)
        except MatchSpecError:
            continue
        is_safe = meant == _turn_operators(text)
        return suggest_text(meant, is_safe=is_safe)
    return None
