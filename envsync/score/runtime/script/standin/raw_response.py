"""Responses as entry scripts make them: the part of Flask's that they use."""

import json

from .multidict import Headers
from .multipart import split_header

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

_TEXT_TYPES = ("application/javascript", "application/xml", "application/ecmascript")

_NONE_GIVEN = {}  # type: dict[str, str]


class Response:
    """One HTTP response; a body that is neither text nor bytes is streamed piece by piece."""

    default_mimetype = "text/html"

    def __init__(
        self,
        response: "Any" = None,
        status: "Any" = None,
        headers: "Any" = (),
        mimetype: "str | None" = None,
        content_type: "str | None" = None,
    ) -> None:
        self.headers = Headers(headers or ())
        self.status_code = 200 if status is None else int(str(status).split()[0])
        if content_type is None and (mimetype or "Content-Type" not in self.headers):
            content_type = _with_charset(mimetype or self.default_mimetype)
        if content_type is not None:
            self.headers.set("Content-Type", content_type)
        self.response = _as_bytes("" if response is None else response)

    @property
    def status(self) -> str:
        """The status as text."""
        return str(self.status_code)

    @property
    def is_streamed(self) -> bool:
        """Whether the body comes piece by piece; a list's pieces are there already."""
        return not isinstance(self.response, (bytes, list, tuple))

    @property
    def content_type(self) -> "str | None":
        """The content type with its parameters."""
        value = self.headers.get("Content-Type")
        return None if value is None else str(value)

    @content_type.setter
    def content_type(self, value: str) -> None:
        self.headers.set("Content-Type", value)

    @property
    def mimetype(self) -> str:
        """The content type without its parameters."""
        return split_header(self.content_type or "")[0]

    @mimetype.setter
    def mimetype(self, value: str) -> None:
        self.headers.set("Content-Type", _with_charset(value))

    def get_data(self, as_text: bool = False) -> "Any":  # noqa: FBT001, FBT002  # Flask's signature
        """Return the whole body."""
        self.response = b"".join(self.iter_encoded())
        return self.response.decode("utf-8") if as_text else self.response

    def set_data(self, value: "Any") -> None:
        """Replace the body."""
        self.response = _as_bytes(value)

    data = property(get_data, set_data)

    def iter_encoded(self) -> "Iterator[bytes]":
        """Yield the body as bytes, piece by piece."""
        if isinstance(self.response, bytes):
            yield self.response
            return
        for piece in self.response:
            yield _as_bytes(piece)


class AMLResponse(Response):
    """A response with a status and headers of the script's own; None is answered as `{}`.

    Values of headers are text, and several of a name have commas between them; what else is
    given fails here as it fails there.
    """

    def __init__(
        self,
        message: "Any",
        status_code: int,
        response_headers: "Any" = _NONE_GIVEN,
        json_str: bool = False,  # noqa: FBT001, FBT002  # Azure ML's signature
        run_function_failed: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        own = {} if response_headers is _NONE_GIVEN else response_headers
        is_json = json_str or message is None
        body = json.dumps({} if message is None else message) if is_json else message
        super().__init__(body, status_code, mimetype="application/json" if is_json else None)
        if "Content-Type" in own and not is_json:
            self.headers.remove("Content-Type")
        self.run_function_failed = run_function_failed
        for name, value in own.items():
            for part in value.split(","):
                self.headers.add(name, part.strip())


def jsonify(*values: "Any", **fields: "Any") -> Response:
    """Return a response in JSON, as Flask's function of that name does."""
    value = fields or (values[0] if len(values) == 1 else list(values) or None)
    text = json.dumps(value, default=_to_plain, sort_keys=True, separators=(",", ":"))
    return Response(text + "\n", mimetype="application/json")


def _to_plain(value: "Any") -> "Any":
    """Return what stands for *value* in Flask's JSON."""
    import datetime as dt  # noqa: PLC0415  # hardly a script comes here
    import decimal  # noqa: PLC0415
    import email.utils  # noqa: PLC0415
    import uuid  # noqa: PLC0415

    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    if isinstance(value, dt.date):
        return email.utils.formatdate(_seconds(value), usegmt=True)
    if hasattr(type(value), "__dataclass_fields__"):
        import dataclasses  # noqa: PLC0415  # Python 3.6 has none

        return dataclasses.asdict(value)
    raise TypeError("`{}` is not JSON".format(type(value).__name__))


def _seconds(value: "Any") -> int:
    """Return the time of a date or a time, which is UTC's if it says nothing."""
    import calendar  # noqa: PLC0415

    return calendar.timegm(value.utctimetuple() if hasattr(value, "hour") else value.timetuple())


def _with_charset(mimetype: str) -> str:
    is_text = mimetype.startswith("text/") or mimetype in _TEXT_TYPES or mimetype.endswith("+xml")
    return mimetype + "; charset=utf-8" if is_text and "charset" not in mimetype else mimetype


def _as_bytes(value: "Any") -> "Any":
    if isinstance(value, str):
        return value.encode("utf-8")
    return bytes(value) if isinstance(value, (bytearray, memoryview)) else value
