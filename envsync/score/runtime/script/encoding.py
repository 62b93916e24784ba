"""What `run` returned, as JSON.

Standard JSON values are written as the Azure ML server writes them. Beyond it, what its
documentation promises and its server refuses: objects with `toJSON()`, numpy's arrays and
scalars, pandas' frames and series.
"""

import collections
import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

_dumps, _default = json.dumps, json.JSONEncoder.default
_LONGEST_WALK = 10000
_LONGEST_KEY = 40
_LONGEST_LOOK = 4096
_ERROR_TEXTS = ("Traceback (most recent call last)", "Error: ", "Exception: ")


class NotSerialisableError(Exception):
    """The result holds something that JSON has no word for; *path* says where."""

    def __init__(self, path: str, value: "Any", reason: str = "") -> None:
        kind = type(value)
        name = kind.__name__ if kind.__module__ == "builtins" else _full_name(kind)
        finding = reason or "`{}`".format(name)
        super().__init__("`{}` is {}, which JSON cannot hold".format(path, finding))
        self.path = path


def encode(value: "Any") -> "tuple[bytes, list[str]]":
    """Return the JSON of *value* and what its reader should be warned of.

    None becomes `{}`, as under the Azure ML server.

    Raises:
        NotSerialisableError: JSON can't hold the value, or some value in it.
    """
    if value is None:
        return b"{}", []
    try:
        text = _ENCODER.encode(value) if json.dumps is _dumps else _as_text(json.dumps(value))
    except (TypeError, ValueError, RecursionError, OverflowError):
        _raise_for(value)
        raise
    return text.encode("utf-8"), _warnings_for(value, text)


def _as_text(answer: "Any") -> str:
    return answer.decode("utf-8") if isinstance(answer, bytes) else answer


def _to_plain(value: "Any") -> "Any":
    """Return what stands for *value* in JSON.

    A script that replaced `json.dumps` or the encoder's `default` is taken at its word, as under
    the Azure ML server.
    """
    if json.JSONEncoder.default is not _default:
        try:
            return json.JSONEncoder.default(_ENCODER, value)
        except TypeError:
            pass  # it has no word for it
    for name in ("toJSON", "to_json"):
        method = getattr(value, name, None)
        if callable(method) and not isinstance(value, type) and not _is_frame(value):
            return _parsed(method())
    home = type(value).__module__.split(".", 1)[0]
    if home == "numpy":
        return _numpy_to_plain(value)
    if home == "pandas":
        return _pandas_to_plain(value)
    raise TypeError(type(value).__name__)


def _numpy_to_plain(value: "Any") -> "Any":
    if type(value).__name__ in ("datetime64", "timedelta64"):
        raise TypeError(type(value).__name__)
    return value.tolist()


def _pandas_to_plain(value: "Any") -> "Any":
    kind = type(value).__name__
    if kind == "DataFrame":
        return json.loads(value.to_json(orient="records", date_format="iso"))
    if kind in ("Series", "Index") or hasattr(value, "to_series"):
        series = value if kind == "Series" else value.to_series()
        return json.loads(series.reset_index(drop=True).to_json(orient="values", date_format="iso"))
    if kind in ("NAType", "NaTType"):
        return None
    raise TypeError(kind)


def _is_frame(value: "Any") -> bool:
    return type(value).__module__.split(".", 1)[0] == "pandas"


def _parsed(answer: "Any") -> "Any":
    if not isinstance(answer, str):
        return answer
    try:
        return json.loads(answer)
    except ValueError:
        return answer


def _raise_for(value: "Any") -> None:
    """Find the first part of *value* that JSON can't hold, and raise for it."""
    waiting = collections.deque([("$", value, ())])  # type: Any
    for _ in range(_LONGEST_WALK):
        if not waiting:
            return
        path, part, parents = waiting.popleft()
        if id(part) in parents:
            raise NotSerialisableError(path, part, "a part of itself") from None
        if isinstance(part, (dict, list, tuple)):
            inside = (*parents, id(part))
            waiting.extend((name, inner, inside) for name, inner in _members(path, part))
        elif not _is_encodable(part):
            raise NotSerialisableError(path, part) from None


def _members(path: str, part: "Any") -> "Iterator[tuple[str, Any]]":
    if not isinstance(part, dict):
        for at, inner in enumerate(part):
            yield "{}[{}]".format(path, at), inner
        return
    for key, inner in part.items():
        if not isinstance(key, (str, int, float, type(None))):
            raise NotSerialisableError("key {} of {}".format(_short(key), path), key) from None
        yield _key_path(path, key), inner


def _is_encodable(part: "Any") -> bool:
    try:
        json.dumps(part, default=_to_plain)
    except (TypeError, ValueError, RecursionError, OverflowError):
        return False
    return True


def _key_path(path: str, key: "Any") -> str:
    if isinstance(key, str) and key.isidentifier():
        return path + "." + key
    return "{}[{}]".format(path, _short(key))


def _short(key: "Any") -> str:
    text = repr(key)
    return text if len(text) <= _LONGEST_KEY else text[: _LONGEST_KEY - 3] + "..."


def _full_name(kind: type) -> str:
    return kind.__module__ + "." + kind.__name__


def _warnings_for(value: "Any", text: str) -> "list[str]":
    found = []
    if isinstance(value, str):
        if _holds_json(value):
            found.append("`run` returned text that is JSON already; clients decode it twice")
        elif value.startswith(_ERROR_TEXTS[0]) or any(mark in value for mark in _ERROR_TEXTS[1:]):
            found.append("`run` returned the text of an error as its result")
    elif _has_bare_number(text):
        found.append("The result holds NaN or Infinity, which is not JSON; some clients refuse it")
    return found


def _holds_json(text: str) -> bool:
    if not text.startswith(("{", "[")) or len(text) > _LONGEST_LOOK:
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _has_bare_number(text: str) -> bool:
    """Say whether *text* may hold NaN or Infinity outside its strings."""
    if "NaN" not in text and "Infinity" not in text:
        return False
    found = []  # type: list[str]
    json.loads(text, parse_constant=found.append)
    return bool(found)


_ENCODER = json.JSONEncoder(default=_to_plain)
