"""What went wrong in the entry script, told without the runtime's own frames."""

import traceback

from .home import is_own_frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PACKAGE = __name__.rsplit(".", 2)[0] + "."


class ContractError(Exception):
    """The entry script is not what Azure ML asks for; *kind* names the clause."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def describe(error: BaseException) -> "dict[str, Any]":
    """Return the type, the message and the traceback of *error* as JSON can hold them."""
    return {
        "type": type(error).__name__,
        "message": _message(error),
        "traceback": "" if _is_own(error) else script_traceback(error),
        "line": getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None,
        "file": getattr(error, "filename", None) if isinstance(error, SyntaxError) else None,
    }


def script_traceback(error: BaseException) -> str:
    """Return the traceback of *error*, and of what it was raised from, cut to foreign frames."""
    told = traceback.TracebackException(type(error), error, error.__traceback__)
    _cut(told, set())
    return _printable("".join(told.format()))


def _cut(told: "Any", seen: "set[int]") -> None:
    if told is None or id(told) in seen:
        return
    seen.add(id(told))
    told.stack[:] = [frame for frame in told.stack if not is_own_frame(frame.filename)]
    _cut(told.__cause__, seen)
    _cut(told.__context__, seen)
    for member in getattr(told, "exceptions", None) or ():
        _cut(member, seen)


def _is_own(error: BaseException) -> bool:
    return type(error).__module__.startswith(_PACKAGE)


def _message(error: BaseException) -> str:
    try:
        return _printable(str(error))
    except Exception:  # noqa: BLE001  # an exception of the script's may fail to describe itself
        return ""


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
