"""Requests and responses as `@rawhttp` scripts know them: the part of Flask that they use."""

import io
import json
from urllib.parse import parse_qsl, unquote

from .multidict import Headers, MultiDict
from .multipart import parse_form_data, split_header

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

_TEXT_TYPES = ("application/javascript", "application/xml", "application/ecmascript")


class UnsupportedMediaTypeError(Exception):
    """The body is not of the type that was asked for."""


class Request:
    """One HTTP request."""

    def __init__(self, method: str, target: str, headers: "Any", body: bytes) -> None:
        self.method = method
        self.headers = Headers(_joined(headers))
        self.data = body
        self.stream = io.BytesIO(body)
        path, _, query = target.partition("?")
        if path[:7].lower() == "http://":  # as clients of a proxy write it
            path = "/" + path[7:].partition("/")[2]
        self.path = unquote(path)
        self.query_string = query.encode("latin-1")
        self.full_path = self.path + "?" + query
        self.args = MultiDict(parse_qsl(query, keep_blank_values=True))
        self.scheme = "http"
        self.is_secure = False
        self.script_root = self.root_path = ""
        self.user_agent = UserAgent(self.headers.get("User-Agent", ""))
        self.host = self.headers.get("Host", "localhost")
        self.remote_addr = "127.0.0.1"
        self.content_type = self.headers.get("Content-Type")
        self.content_length = len(body)
        self.mimetype, self.mimetype_params = split_header(self.content_type or "")
        self._form = None  # type: tuple[MultiDict, MultiDict] | None

    @property
    def host_url(self) -> str:
        """The scheme and the host."""
        return "{}://{}/".format(self.scheme, self.host)

    url_root = host_url

    @property
    def base_url(self) -> str:
        """The URL without its query."""
        return self.host_url + self.path.lstrip("/")

    @property
    def url(self) -> str:
        """The whole URL."""
        query = self.query_string.decode("latin-1")
        return self.base_url + ("?" + query if query else "")

    @property
    def is_json(self) -> bool:
        """Whether the content type says JSON."""
        return is_json_type(self.mimetype)

    @property
    def json(self) -> "Any":
        """The body's JSON; see `get_json`."""
        return self.get_json()

    @property
    def form(self) -> MultiDict:
        """The fields of a form."""
        return self._parsed_form()[0]

    @property
    def files(self) -> MultiDict:
        """The files of a form."""
        return self._parsed_form()[1]

    @property
    def values(self) -> MultiDict:
        """The fields of the query and of the form."""
        pairs = [
            (key, value)
            for part in (self.args, self.form)
            for key in part
            for value in part.getlist(key)
        ]
        return MultiDict(pairs)

    @property
    def cookies(self) -> "dict[str, str]":
        """The cookies that the client sent."""
        pairs = [part.partition("=") for part in self.headers.get("Cookie", "").split(";")]
        return {name.strip(): _unquoted(value.strip()) for name, _, value in pairs if name.strip()}

    def get_data(  # Flask's signature, here and below
        self,
        cache: bool = True,  # noqa: FBT001, FBT002
        as_text: bool = False,  # noqa: FBT001, FBT002
        parse_form_data: bool = False,  # noqa: FBT001, FBT002
    ) -> "Any":
        """Return the body, as text if *as_text*."""
        del cache, parse_form_data
        return self.data.decode("utf-8", "replace") if as_text else self.data

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> "Any":  # noqa: FBT001, FBT002  # Flask's signature
        """Return what the JSON of the body says.

        Raises:
            UnsupportedMediaTypeError: the content type is another, and not *force*.
        """
        del cache
        if not (force or self.is_json):
            if silent:
                return None
            message = "Content-Type is {!r}, not application/json".format(self.content_type)
            raise UnsupportedMediaTypeError(message)
        try:
            return json.loads(self.data.decode("utf-8-sig"))
        except ValueError:
            if silent:
                return None
            raise

    def _parsed_form(self) -> "tuple[MultiDict, MultiDict]":
        if self._form is None:
            fields = []  # type: list[tuple[str, str]]
            files = []  # type: list[Any]
            if self.mimetype == "multipart/form-data":
                fields, files = parse_form_data(self.data, self.mimetype_params.get("boundary", ""))
            elif self.mimetype == "application/x-www-form-urlencoded":
                text = self.data.decode("utf-8", "replace")
                fields = parse_qsl(text, keep_blank_values=True)
            self._form = MultiDict(fields), MultiDict(files)
        return self._form


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
        """Whether the body comes piece by piece."""
        return not isinstance(self.response, bytes)

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


class UserAgent(str):
    """What the client says that it is."""

    __slots__ = ()

    @property
    def string(self) -> str:
        """It as plain text."""
        return str(self)


class AMLRequest(Request):
    """The name that entry scripts import."""


class AMLResponse(Response):
    """A response with a status and headers of the script's own; None is answered as `{}`."""

    def __init__(
        self,
        message: "Any",
        status_code: int,
        response_headers: "Any" = None,
        json_str: bool = False,  # noqa: FBT001, FBT002  # Azure ML's signature
        run_function_failed: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        own = dict(response_headers or {})
        is_json = json_str or message is None
        body = json.dumps({} if message is None else message) if is_json else message
        super().__init__(body, status_code, mimetype="application/json" if is_json else None)
        if "Content-Type" in own and not is_json:
            self.headers.remove("Content-Type")
        self.run_function_failed = run_function_failed
        for name, value in own.items():
            for part in str(value).split(","):
                self.headers.add(name, part.strip())


def jsonify(*values: "Any", **fields: "Any") -> Response:
    """Return a response in JSON, as Flask's function of that name does."""
    value = fields or (values[0] if len(values) == 1 else list(values))
    return Response(json.dumps(value) + "\n", mimetype="application/json")


def is_json_type(mimetype: str) -> bool:
    """Say whether *mimetype* is JSON or a type built on it."""
    return mimetype == "application/json" or (
        mimetype.startswith("application/") and mimetype.endswith("+json")
    )


def _joined(pairs: "Any") -> "list[tuple[str, str]]":
    """Return header fields as Flask names them, each once (RFC 9110, section 5.3)."""
    found = {}  # type: dict[str, str]
    for name, value in pairs:
        key = name.title()
        between = "; " if key == "Cookie" else ","
        found[key] = found[key] + between + value if key in found else value
    return list(found.items())


def _unquoted(value: str) -> str:
    is_quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return value[1:-1].replace('\\"', '"') if is_quoted else value


def _with_charset(mimetype: str) -> str:
    is_text = mimetype.startswith("text/") or mimetype in _TEXT_TYPES or mimetype.endswith("+xml")
    return mimetype + "; charset=utf-8" if is_text and "charset" not in mimetype else mimetype


def _as_bytes(value: "Any") -> "Any":
    if isinstance(value, str):
        return value.encode("utf-8")
    return bytes(value) if isinstance(value, (bytearray, memoryview)) else value
