"""The form of one line under `pip:`, checked without asking an index."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envsync.definition.reading.repairs import suggest_text
from envsync.model.repository import has_sound_subdirectory
from envsync.model.text.redaction import quote
from envsync.model.text.wording import suggest

if TYPE_CHECKING:
    from envsync.remedy import Hint

LONGEST = 10_000

# Each option that pip takes from a requirements file, and whether a value follows.
OPTIONS = {
    "--constraint": True,
    "--editable": True,
    "--extra-index-url": True,
    "--find-links": True,
    "--index-url": True,
    "--no-binary": True,
    "--no-index": False,
    "--only-binary": True,
    "--pre": False,
    "--prefer-binary": False,
    "--require-hashes": False,
    "--requirement": True,
    "--trusted-host": True,
    "--use-feature": True,
}
_SHORT = {
    "-c": "--constraint",
    "-e": "--editable",
    "-f": "--find-links",
    "-i": "--index-url",
    "-r": "--requirement",
}

# A subset of PEP 508 that needs no `packaging`, whose import costs more than all of this room.
_COMMON = re.compile(
    r"(?P<name>[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*)"
    r"(?:\[[A-Za-z0-9]+(?:[,_-][A-Za-z0-9]+)*\])?"
    r"(?P<clauses>\s*[=<>!~][^;@\[]*)?"
)
_CLAUSE = re.compile(
    r"\s*(?:[=!]=\s*[0-9]+(?:\.[0-9]+)*(?:\.\*)?"
    r"|(?:[=!<>]=|<|>)\s*[0-9]+(?:\.[0-9]+)*(?:(?:a|b|rc|\.post|\.dev)[0-9]+)?"
    r"|~=\s*[0-9]+(?:\.[0-9]+)+)\s*"
)
_DIRECT = re.compile(
    r"(?:[a-z]+\+)?[A-Za-z][A-Za-z0-9+.-]*://\S|(?:git|hg|svn|bzr)\+\S|\.{0,2}/|~/|\.\.?$"
)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s;]*")
_COMMAND = re.compile(r"[!%]?\s*(?:python3? -m )?pip3? install\s+")
_ARCHIVE = re.compile(r"\S+\.(?:whl|tar\.gz|tar\.bz2|tgz|zip)(?:[?#]\S*)?")


class PipLineError(ValueError):
    """A line that pip would not take; *hint* says what its author may have meant."""

    def __init__(
        self, message: str, *, rule: str = "not-a-pip-line", hint: Hint | None = None
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.hint = hint


def strip_comment(line: str) -> str:
    """Return *line* without what pip takes for a comment."""
    return re.sub(r"(?:^|\s+)#.*$", "", line.strip()).strip()


def parse_pip_option(line: str) -> tuple[str, str]:
    """Return the option *line* of a requirements file: its long name and its value.

    Raises:
        PipLineError: pip knows no such option there, or its value is missing or too much.
    """
    match = re.match(r"(--[a-z][a-z-]*|-[a-z])(?:\s*=\s*|\s+|(?<=^-[a-z]))?(.*)$", line, re.DOTALL)
    name = "" if match is None else _SHORT.get(match[1], match[1])
    if match is None or name not in OPTIONS:
        word = re.split(r"[\s=]", line, maxsplit=1)[0]
        message = f"{quote(word)} is not an option that a pip section can hold"
        raise PipLineError(message, hint=suggest(word, OPTIONS))
    value = match[2].strip()
    if OPTIONS[name] and not value:
        raise PipLineError(f"{quote(match[1])} lacks its value")
    if value and not OPTIONS[name]:
        raise PipLineError(f"{quote(match[1])} takes no value")
    _check_address(value)
    return name, value


def check_pip_requirement(line: str) -> None:
    """Check that *line* is a requirement: a name with versions, an address or a path.

    Raises:
        PipLineError: it is neither.
    """
    if len(line) > LONGEST:
        raise PipLineError(f"{quote(line)} is too long")
    text, _ = split_options(line)
    _check_address(text)
    if is_direct(text) or _is_common(text):
        return
    if not _is_requirement(text):
        raise _explain(text)


def _check_address(text: str) -> None:
    """Check the host, the port and the subdirectory of the address in *text*, if it has one.

    Raises:
        PipLineError: they can't be.
    """
    if "subdirectory=" in text and not has_sound_subdirectory(text):
        message = f"{quote(text)} has a `subdirectory` that leads out of what lies there"
        raise PipLineError(message, hint="name a folder in it, as in `#subdirectory=python/core`")
    match = _URL.search(text) if "://" in text else None
    if match is None or "$" in match[0]:
        return
    from urllib.parse import urlsplit  # noqa: PLC0415  # few lines have an address

    try:
        _ = urlsplit(match[0]).port
    except ValueError as error:
        # what follows a blank may be the rest of a password, and what is no port its beginning
        shown = text if "@" in text[match.end() :] else match[0]
        message = f"{quote(shown)} is not an address: {str(error).lower().partition(' as ')[0]}"
        raise PipLineError(
            message, hint="write it as `https://HOST:PORT/PATH`", rule="wrong-type"
        ) from error


def is_direct(text: str) -> bool:
    """Tell whether the requirement *text* is an address or a path, without a name before it."""
    return bool(_DIRECT.match(text) or _ARCHIVE.fullmatch(text))


def split_options(line: str) -> tuple[str, tuple[str, ...]]:
    """Return the requirement *line* without the options of its own, and those options."""
    text, *options = re.split(r"\s+(?=--[a-z])", line)
    return text.strip(), tuple(options)


def _is_common(text: str) -> bool:
    match = _COMMON.fullmatch(text)
    if match is None:
        return False
    return match["clauses"] is None or all(map(_CLAUSE.fullmatch, match["clauses"].split(",")))


def _is_requirement(text: str) -> bool:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415  # see above

    try:
        Requirement(text)
    except InvalidRequirement:
        return False
    return True


def _explain(text: str) -> PipLineError:
    message = f"{quote(text)} is not a pip requirement"
    if "{{" in text or "${" in text:
        return PipLineError(
            f"{quote(text)} is a template", hint="fill in its value", rule="template"
        )
    if "::" in text:
        return PipLineError(
            message, hint="a conda package stands outside `pip:`", rule="not-a-pip-line"
        )
    swapped = text.replace("=>", ">=").replace("=<", "<=")
    candidates = (
        _COMMAND.sub("", text),
        swapped,
        re.sub(r"(?<![=<>!~])=(?!=)", "==", swapped),
        re.sub(r"^([\w.-]+(?:\[[^\]]*\])?)\s+(\d[\w.*]*)$", r"\1==\2", swapped),
        swapped.rstrip("=<>!~,; "),
    )
    for candidate in candidates:
        if candidate != text and _is_requirement(candidate):
            return PipLineError(
                message,
                hint=suggest_text(candidate, is_safe=candidate == swapped),
                rule="not-a-pip-line",
            )
    return PipLineError(
        message, hint="write `name`, `name==1.2` or `name @ https://…`", rule="not-a-pip-line"
    )
