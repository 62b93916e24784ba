"""What the keys of a JSON definition may hold: a table of kinds, and one reader for all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from envsync.definition.reading.repairs import QUOTE, suggest_key, unquote
from envsync.definition.reading.report import join
from envsync.model.environment import UnknownKey
from envsync.model.json_value import freeze
from envsync.model.text.redaction import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    from envsync.definition.reading.report import Report
    from envsync.remedy import Hint


class Text(NamedTuple):
    """A string; where null is none of its values, it stands for *default*, as an absent key does.

    *choices*, if any, are all that is allowed.
    """

    default: str | None = None
    is_nullable: bool = True
    choices: tuple[str, ...] = ()


class Flag(NamedTuple):
    """True or false."""

    default: bool = False


class ListOf(NamedTuple):
    """An array; an absent one is empty, or null where the SDK has it so."""

    item: Kind
    is_nullable: bool = False


class MapOfText:
    """An object whose values are strings: names and values of variables."""


class Anything:
    """Whatever is there, kept as it is."""


class Object(NamedTuple):
    """An object with these keys, written in this order.

    An absent one has all its defaults, or is null. *hidden* keys are left out where they are
    absent, *required* ones must be there; *obsolete* ones are unknown, but no mistake.
    *keeps_unknown* leaves unknown keys in place; elsewhere they are gathered by the reader.
    """

    fields: dict[str, Kind]
    is_nullable: bool = False
    keeps_unknown: bool = False
    hidden: tuple[str, ...] = ()
    obsolete: tuple[str, ...] = ()
    required: tuple[str, ...] = ()


Kind: TypeAlias = "Text | Flag | ListOf | MapOfText | Anything | Object"


class FieldReader:
    """Check a JSON value against its kind, and complete it with the defaults of absent keys."""

    def __init__(self, report: Report) -> None:
        self.unknown_keys: list[UnknownKey] = []
        self._report = report
        self._readers: dict[type, Callable[[Any, Any, str], Any]] = {
            Text: self._read_text,
            Flag: self._read_flag,
            ListOf: self._read_list,
            MapOfText: self._read_map,
            Object: self._read_object,
        }

    def read(self, value: Any, kind: Kind, path: str) -> Any:
        """Return *value* complete; what does not fit is reported, and its default returned."""
        reader = self._readers.get(type(kind))
        return value if reader is None else reader(value, kind, path)

    def _read_text(self, value: Any, kind: Text, path: str) -> str | None:
        if isinstance(value, str):
            self._check_text(value, kind, path)
            return value
        if value is None and kind.is_nullable:
            return None
        if value is None:
            self._warn_null(path, f"`{kind.default}`" if kind.default else "empty text")
            return kind.default
        hint = QUOTE if isinstance(value, (int, float)) else None
        self._refuse(path, value, "text", hint)
        return kind.default

    def _check_text(self, value: str, kind: Text, path: str) -> None:
        if kind.choices and value not in kind.choices:
            allowed = " or ".join(f"`{choice}`" for choice in kind.choices)
            self._report.error(path, f"{quote(value)} is not {allowed}", rule="wrong-type")
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            self._report.error(path, "the text holds half of a surrogate pair", rule="wrong-type")

    def _read_flag(self, value: Any, kind: Flag, path: str) -> bool:
        default = "true" if kind.default else "false"
        if isinstance(value, bool):
            return value
        if value is None:
            self._warn_null(path, f"`{default}`")
        else:
            is_word = isinstance(value, str) and value.lower() in {"true", "false"}
            hint = unquote(value) if is_word else None
            self._refuse(path, value, "`true` or `false`", hint)
        return kind.default

    def _read_list(self, value: Any, kind: ListOf, path: str) -> list[Any] | None:
        if isinstance(value, list):
            return [self.read(item, kind.item, f"{path}[{i}]") for i, item in enumerate(value)]
        if value is None and kind.is_nullable:
            return None
        if value is None:
            self._warn_null(path, "an empty list")
        else:
            hint = "put it in brackets" if isinstance(value, str) else None
            self._refuse(path, value, "a list", hint)
        return []

    def _read_map(self, value: Any, _kind: MapOfText, path: str) -> dict[str, str]:
        if not isinstance(value, dict):
            if value is None:
                self._warn_null(path, "an empty object")
            else:
                self._refuse(path, value, "an object", 'write `{"NAME": "value"}`')
            return {}
        text = Text(default="", is_nullable=False)
        for key, item in value.items():
            if fault := find_variable_fault(key, item):
                self._report.error(join(path, key), fault, rule="wrong-type")
        return {
            key: self._read_text(item, text, join(path, key)) or "" for key, item in value.items()
        }

    def _read_object(self, value: Any, kind: Object, path: str) -> dict[str, Any] | None:
        if value is None and kind.is_nullable:
            return None
        if value is None:
            self._warn_null(path, "an empty object")
        elif not isinstance(value, dict):
            self._refuse(path, value, "an object", None)
        present = value if isinstance(value, dict) else {}
        for key in kind.required:
            if key not in present:
                self._report.error(path, f"`{key}` is missing", rule="missing")
        entries = default_of(kind._replace(is_nullable=False)) | {
            key: self.read(present[key], field, join(path, key))
            for key, field in kind.fields.items()
            if key in present
        }
        return self._add_unknown(entries, present, kind, path)

    def _add_unknown(
        self, entries: dict[str, Any], present: dict[str, Any], kind: Object, path: str
    ) -> dict[str, Any]:
        unknown = {key: item for key, item in present.items() if key not in kind.fields}
        for key in unknown:
            self._warn_unknown(join(path, key), key, kind)
        if kind.keeps_unknown:
            return entries | unknown
        steps = tuple(path.split(".")) if path else ()
        self.unknown_keys += [
            UnknownKey(path=(*steps, key), value=freeze(item)) for key, item in unknown.items()
        ]
        return entries

    def _warn_unknown(self, path: str, key: str, kind: Object) -> None:
        if key in kind.obsolete or self._report.is_full:
            return
        hint = suggest_key(key, kind.fields)
        self._report.warn(
            path,
            "Azure ML does not know this key; it is kept, not used",
            hint=hint,
            rule="unknown-key",
        )

    def _warn_null(self, path: str, default: str) -> None:
        self._report.warn(
            path,
            f"null stands for {default}",
            hint="remove the key or fill it in",
            rule="wrong-type",
        )

    def _refuse(self, path: str, value: Any, wanted: str, hint: Hint | None) -> None:
        self._report.error(
            path, f"{_describe(value)} where {wanted} should be", hint=hint, rule="wrong-type"
        )


def default_of(kind: Kind) -> Any:
    """Return what an absent key of *kind* stands for."""
    if isinstance(kind, (Text, Flag)):
        return kind.default
    if isinstance(kind, MapOfText):
        return {}
    if isinstance(kind, ListOf):
        return None if kind.is_nullable else []
    if isinstance(kind, Object) and not kind.is_nullable:
        return {
            key: default_of(field) for key, field in kind.fields.items() if key not in kind.hidden
        }
    return None


def find_variable_fault(name: str, value: Any) -> str | None:
    """Return why no process can have the variable *name* with *value*, None if one can."""
    if "=" in name or "\0" in name:
        return "the name of a variable holds neither `=` nor U+0000"
    if isinstance(value, str) and "\0" in value:
        return "the value of a variable does not hold U+0000"
    return None


def _describe(value: Any) -> str:
    """Name the type of *value*; the value itself may be a secret."""
    names = {str: "text", bool: "a truth value", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), "null" if value is None else "an object")
