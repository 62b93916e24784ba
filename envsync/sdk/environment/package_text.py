"""Check packages, pip options and channels, and compare their names."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from envsync.definition.requirement.match_spec import MatchSpecError, parse_match_spec
from envsync.definition.requirement.pip_line import (
    PipLineError,
    check_pip_requirement,
    parse_pip_option,
    strip_comment,
)
from envsync.definition.requirement.pip_requirement import parse_requirement
from envsync.errors import DefinitionError
from envsync.model.text.redaction import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANACONDA_ORG = "https://conda.anaconda.org/"
_BARE = re.compile(r"[A-Za-z0-9._-]+")
_ONE_VERSION = re.compile(r"={1,3}\s*([0-9][^\s,|=<>!~]*)")
# For these options pip uses the last value; it accumulates the others.
_SINGLE = frozenset(("--index-url", "--no-index", "--pre", "--prefer-binary", "--require-hashes"))


def check_text(text: object, what: str) -> str:
    """Return *text* stripped; *what* describes the expected value in the error.

    Raises:
        DefinitionError: it is not text, or it is empty.
    """
    if not isinstance(text, str):
        raise DefinitionError(f"{type(text).__name__} where {what} should be", hint="give text")
    if not text.strip():
        raise DefinitionError(f"Empty text where {what} should be")
    return text.strip()


def check_match_spec(text: object) -> str:
    """Return *text* if it is a match spec.

    Raises:
        DefinitionError: it is not.
    """
    stripped = check_text(text, "a match spec")
    with _refusing():
        parse_match_spec(stripped)
    return stripped


def python_spec(version: object) -> str:
    """Return the match spec for Python *version*, which may begin with an operator.

    Raises:
        DefinitionError: it is not a version.
    """
    text = check_text(version, "a version")
    if not re.match(r"[0-9*=<>!~]", text):
        raise DefinitionError(f"{quote(text)} is not a version", hint="write it as in `3.11`")
    return check_match_spec(f"python{'=' if text[0] in '0123456789*' else ''}{text}")


def check_pip_package(text: object) -> str:
    """Return *text* if it is a pip requirement.

    Raises:
        DefinitionError: it is not, or it is an option.
    """
    stripped = check_text(text, "a pip requirement")
    if stripped.startswith("-"):
        raise DefinitionError(
            f"{quote(stripped)} is an option, not a package", hint="use `set_pip_option`"
        )
    with _refusing():
        check_pip_requirement(strip_comment(stripped))
    return stripped


def check_pip_option(text: object) -> str:
    """Return *text* if it is an option that pip accepts in a requirements file.

    Raises:
        DefinitionError: it is not.
    """
    stripped = check_text(text, "a pip option")
    with _refusing(hint="write it as in `--index-url https://...`"):
        parse_pip_option(strip_comment(stripped))
    return stripped


def check_pip_line(text: object) -> str:
    """Return *text* if it is a pip requirement or option.

    Raises:
        DefinitionError: it is neither.
    """
    stripped = check_text(text, "a pip requirement")
    return (check_pip_option if stripped.startswith("-") else check_pip_package)(stripped)


def names_no_version(text: str) -> bool:
    """Return whether *text* is only the name of a package."""
    return _BARE.fullmatch(text) is not None


def conda_key(text: str) -> str:
    """Return the package name of the match spec *text*."""
    return parse_match_spec(text).name


def pip_key(text: str) -> str:
    """Return the normalised name (PEP 503) of the pip requirement *text*.

    It is *text* itself if only the archive has the name.
    """
    return pip_key_and_marker(text)[0]


def pip_key_and_marker(text: str) -> tuple[str, str]:
    """Return the name as `pip_key` does, and the environment marker of *text*."""
    line = strip_comment(text)
    try:
        check_pip_requirement(line)
    except PipLineError:
        return line, ""
    requirement = parse_requirement(line)
    return requirement.name or line, requirement.marker


def option_name(text: str) -> str:
    """Return the long name of the pip option that *text* begins with."""
    return _split_option(text)[0]


def option_key(text: str) -> tuple[str, str]:
    """Return the key of the pip option *text*: its name, and its value if it may be repeated."""
    name, value = _split_option(text)
    return name, "" if name in _SINGLE else value


def matches_option(option: str, text: str) -> bool:
    """Return whether *text* names the pip option *option*, with the same value or without one."""
    name, value = _split_option(text)
    own_name, own_value = _split_option(option)
    return name == own_name and value in {"", own_value}


def channel_key(text: str) -> str:
    """Return the channel *text* without the address of anaconda.org."""
    return text.strip().removeprefix(_ANACONDA_ORG).rstrip("/")


def python_version(text: str) -> str | None:
    """Return the version in the match spec *text*, without `=` if it is a single version."""
    spec = parse_match_spec(text)
    version = dict(spec.brackets).get("version") or spec.version
    if version is None:
        return None
    single = _ONE_VERSION.fullmatch(version)
    return version if single is None else single[1]


@contextlib.contextmanager
def _refusing(hint: str | None = None) -> Iterator[None]:
    try:
        yield
    except (MatchSpecError, PipLineError) as error:
        raise DefinitionError(str(error), hint=error.hint or hint) from error


def _split_option(text: str) -> tuple[str, str]:
    line = strip_comment(text)
    try:
        return parse_pip_option(line)
    except PipLineError:
        pass
    try:
        return parse_pip_option(f"{line} value")[0], ""
    except PipLineError:
        return line, ""
