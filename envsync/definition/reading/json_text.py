"""JSON text, which may be broken or hostile, to plain values, and where each of them stands."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NoReturn

from envsync.definition.reading.report import Place, join
from envsync.errors import DefinitionError
from envsync.model.text.redaction import quote

if TYPE_CHECKING:
    from envsync.definition.reading.report import Report

LONGEST_TEXT = 256 * 1024
DEEPEST_NESTING = 64

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[][{},:]|[^][{},:"\s]+')
_DIGITS = re.compile(r"(?<![\w.])-?\d{4000,}")
_NO_NUMBER = re.compile(r"(?<!\w)-?(?:NaN|Infinity|\d[\d.]*[eE]\+?\d+|\d{300,}(?:\.\d+)?)")
_HINTS = (
    ("Expecting value", "write text in double quotes, a number, `true`, `false` or `null`"),
    ("Expecting property name", "put each key in double quotes, and no comma after the last"),
    ("Expecting ','", "put a comma between the two, or close a bracket before"),
    ("Expecting ':'", 'write `"KEY": VALUE`'),
    ("Extra data", "end the file after its first value"),
    ("Invalid control", "write a line end in text as `\\n`, a tab as `\\t`"),
    ("Invalid \\", "write a backslash as `\\\\`"),
)


def parse_json(text: str, report: Report) -> Any:
    """Return the value of *text*, in which no object names a key twice.

    Raises:
        DefinitionError: *text* is not JSON, or nothing that a program should be asked to hold.
    """
    if len(text) > LONGEST_TEXT:
        message = f"{len(text):,} characters are more than a definition needs ({LONGEST_TEXT:,})"
        _refuse(message, report)
    repeats = False

    def pairs_to_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeats
        entries = dict(pairs)
        repeats = repeats or len(entries) < len(pairs)
        return entries

    try:
        value = json.loads(
            text,
            object_pairs_hook=pairs_to_dict,
            parse_constant=_refuse_constant,
            parse_float=_parse_float,
        )
    except (ValueError, RecursionError) as error:
        _report_error(error, text, report)
        raise DefinitionError.from_findings(report.errors) from error
    if _measure_depth(value) > DEEPEST_NESTING:
        _refuse(f"the nesting is deeper than {DEEPEST_NESTING} levels", report)
    if repeats:
        for path in Places(text).repeated:
            report.error(
                path, "the key is there twice", hint="keep one of the two", rule="duplicate-key"
            )
        raise DefinitionError.from_findings(report.errors)
    return value


def _refuse(message: str, report: Report) -> NoReturn:
    report.error("", message, rule="syntax")
    raise DefinitionError.from_findings(report.errors)


def _measure_depth(value: Any) -> int:
    """Return how many levels of lists and objects *value* has, or one more than is allowed."""
    depth, level = 0, [value] if isinstance(value, (dict, list)) else []
    while level and depth <= DEEPEST_NESTING:
        inner = (item.values() if isinstance(item, dict) else item for item in level)
        level = [x for items in inner for x in items if isinstance(x, (dict, list))]
        depth += 1
    return depth


def _report_error(error: Exception, text: str, report: Report) -> None:
    if isinstance(error, json.JSONDecodeError):
        message = f"not JSON: {_explain(error, text)}"
        at = Place(error.lineno, error.colno)
        report.error("", message, hint=_advise(error, text), at=at, rule="syntax")
    elif isinstance(error, _NumberError):
        hint = "write a number with fewer digits, or text in quotes"
        report.error("", str(error), rule="syntax", hint=hint, at=_find(_NO_NUMBER, text))
    elif isinstance(error, RecursionError):
        report.error("", f"the nesting is deeper than {DEEPEST_NESTING} levels", rule="syntax")
    else:
        hint = "put it in quotes if it is text"
        report.error(
            "", "a number has too many digits", hint=hint, at=_find(_DIGITS, text), rule="syntax"
        )


class _NumberError(ValueError):
    """A number that JSON, or a computer, does not have."""


class Places:
    """The line on which each key path of a JSON text starts; made only to report findings.

    A text that is not JSON has lines too, as far as they can be told.
    """

    def __init__(self, text: str) -> None:
        self.repeated: list[str] = []
        self._lines: dict[str, int] = {}
        self._stack: list[_Level] = []
        line, position = 1, 0
        for match in _TOKEN.finditer(text):
            line += text.count("\n", position, match.start())
            position = match.start()
            self._feed(match.group(), line)

    def line(self, path: str) -> int | None:
        """Return the line of *path*, or of the nearest thing around it."""
        while path not in self._lines and path:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self._lines.get(path)

    def _feed(self, symbol: str, line: int) -> None:
        level = self._stack[-1] if self._stack else None
        if symbol in "]}":
            if self._stack:
                self._stack.pop()
        elif symbol == "," and level is not None:
            level.advance()
        elif level is not None and level.wants_key and symbol.startswith('"'):
            self._name(level, symbol, line)
        elif symbol not in ",:":
            path = "" if level is None else level.path
            self._lines.setdefault(path, line)
            if symbol in "[{":
                self._stack.append(_Level(path, is_object=symbol == "{"))

    def _name(self, level: _Level, symbol: str, line: int) -> None:
        try:
            path = level.name(str(json.loads(symbol, strict=False)))
        except ValueError:
            path = level.name(symbol)
        if path in self._lines:
            self.repeated.append(path)
        self._lines.setdefault(path, line)


class _Level:
    """An object or array whose end has not come yet."""

    def __init__(self, base: str, *, is_object: bool) -> None:
        self.path = base if is_object else f"{base}[0]"
        self.wants_key = is_object
        self._base = base
        self._is_object = is_object
        self._index = 0

    def name(self, key: str) -> str:
        self.wants_key = False
        self.path = join(self._base, key)
        return self.path

    def advance(self) -> None:
        self._index += 1
        self.wants_key = self._is_object
        if not self._is_object:
            self.path = f"{self._base}[{self._index}]"


def _refuse_constant(word: str) -> float:
    msg = f"`{word}` is no JSON number"
    raise _NumberError(msg)


def _parse_float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        msg = f"{quote(digits)} is too large a number"
        raise _NumberError(msg)
    return value


def _explain(error: json.JSONDecodeError, text: str) -> str:
    if not text.strip():
        return "the file is empty"
    if _is_cut_off(error, text):
        return "the file is cut off"
    return error.msg[0].lower() + error.msg[1:].removesuffix(" at")


def _is_cut_off(error: json.JSONDecodeError, text: str) -> bool:
    return error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")


def _advise(error: json.JSONDecodeError, text: str) -> str | None:
    found = text[error.pos : error.pos + 2]
    if found in {"//", "/*"} or found.startswith("#"):
        return "remove the comment"
    if found.startswith(("}", "]")) or error.msg.startswith("Illegal trailing comma"):
        return "remove the comma before it"
    if _is_cut_off(error, text):
        return "save the definition here again"
    return next((hint for start, hint in _HINTS if error.msg.startswith(start)), None)


def _find(pattern: re.Pattern[str], text: str) -> Place | None:
    """Return where *pattern* is first found in *text*."""
    match = pattern.search(text)
    if match is None:
        return None
    before = text[: match.start()]
    return Place(before.count("\n") + 1, match.start() - before.rfind("\n"))
