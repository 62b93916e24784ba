"""The form of one line under `pip:`, checked without asking an index."""

from __future__ import annotations

import re

from envsync.model.redaction import quote
from envsync.spec.report import suggest

LONGEST = 10_000

# Each option that pip takes from a requirements file, and whether a value follows.
OPTIONS = {
    "-c": True,
    "--constraint": True,
    "-e": True,
    "--editable": True,
    "-f": True,
    "--find-links": True,
    "-i": True,
    "--index-url": True,
    "--extra-index-url": True,
    "--no-binary": True,
    "--no-index": False,
    "--only-binary": True,
    "--pre": False,
    "--prefer-binary": False,
    "-r": True,
    "--requirement": True,
    "--require-hashes": False,
    "--trusted-host": True,
    "--use-feature": True,
}

# A subset of PEP 508 that needs no `packaging`, whose import costs more than all of this room.
_RELEASE = r"(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*"
_VERSION = rf"{_RELEASE}(?:(?:a|b|rc)[0-9]+)?(?:\.?post[0-9]+)?(?:\.?dev[0-9]+)?"
_CLAUSE = (
    rf"(?:(?:==|!=)\s*{_RELEASE}\.\*|(?:==|!=)\s*{_VERSION}(?:\+[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)*)?"
    rf"|(?:<=|>=|<|>)\s*{_VERSION}|~=\s*[0-9]+\.{_RELEASE})"
)
_COMMON = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*"
    r"(?:\[\s*(?:[A-Za-z0-9][A-Za-z0-9._-]*\s*,\s*)*[A-Za-z0-9][A-Za-z0-9._-]*(?<![._-])\s*\])?\s*"
    rf"(?:{_CLAUSE}(?:\s*,\s*{_CLAUSE})*)?"
)
_DIRECT = re.compile(
    r"(?:[a-z]+\+)?[A-Za-z][A-Za-z0-9+.-]*://\S|(?:git|hg|svn|bzr)\+\S|\.{0,2}/|~/|\.\.?$"
)
_ARCHIVE = re.compile(r"\S+\.(?:whl|tar\.gz|tar\.bz2|tgz|zip)(?:[?#]\S*)?")


class PipLineError(ValueError):
    """A line that pip would not take; *hint* says what its author may have meant."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def strip_comment(line: str) -> str:
    """Return *line* without what pip takes for a comment."""
    return re.sub(r"(?:^|\s+)#.*$", "", line.strip()).strip()


def check_pip_option(line: str) -> None:
    """Check that *line* is an option of a requirements file.

    Raises:
        PipLineError: pip knows no such option there, or it lacks its value.
    """
    match = re.match(r"(--[a-z][a-z-]*|-[a-z])(?:\s*=\s*|\s+|(?<=^-[a-z]))?(.*)$", line, re.DOTALL)
    if match is None or match[1] not in OPTIONS:
        word = re.split(r"[\s=]", line, maxsplit=1)[0]
        message = f"{quote(word)} is not an option that a pip section can hold"
        raise PipLineError(message, hint=suggest(word, OPTIONS))
    if OPTIONS[match[1]] and not match[2].strip():
        raise PipLineError(f"{quote(match[1])} lacks its value")
    if not OPTIONS[match[1]] and match[2].strip():
        raise PipLineError(f"{quote(match[1])} takes no value")


def check_pip_requirement(line: str) -> None:
    """Check that *line* is a requirement: a name with versions, an address or a path.

    Raises:
        PipLineError: it is neither.
    """
    if len(line) > LONGEST:
        raise PipLineError(f"{quote(line)} is too long")
    text = re.split(r"\s--[a-z]", line, maxsplit=1)[0].strip()
    if _COMMON.fullmatch(text) or _DIRECT.match(text) or _ARCHIVE.fullmatch(text):
        return
    if not _is_requirement(text):
        raise _explain(text)


def _is_requirement(text: str) -> bool:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415  # see above

    try:
        Requirement(text)
    except InvalidRequirement:
        return False
    return True


def _explain(text: str) -> PipLineError:
    message = f"{quote(text)} is not a pip requirement"
    if "{{" in text:
        return PipLineError(f"{quote(text)} is a template", hint="fill in its value")
    if "::" in text:
        return PipLineError(message, hint="a conda package stands outside `pip:`")
    swapped = text.replace("=>", ">=").replace("=<", "<=")
    candidates = (
        swapped,
        re.sub(r"(?<![=<>!~])=(?!=)", "==", swapped),
        re.sub(r"^([\w.-]+(?:\[[^\]]*\])?)\s+(\d[\w.*]*)$", r"\1==\2", swapped),
        swapped.rstrip("=<>!~,; "),
    )
    for candidate in candidates:
        if candidate != text and _is_requirement(candidate):
            return PipLineError(message, hint=f"did you mean {quote(candidate)}?")
    return PipLineError(message)
