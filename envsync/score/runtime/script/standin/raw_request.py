"""Requests as `@rawhttp` scripts know them: the part of Flask's that they use."""

import io
import json
from urllib.parse import parse_qsl, unquote

from .multidict import Headers, MultiDict
from .multipart import parse_form_data, split_header
from .negotiation import Accept, Authorization

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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
        self.accept_mimetypes = Accept(self.headers.get("Accept", ""))
        self.authorization = Authorization.of(self.headers.get("Authorization", ""))
        self.content_encoding = self.headers.get("Content-Encoding")
        self.origin = self.headers.get("Origin")
        self.referrer = self.headers.get("Referer")
        self.remote_user = None
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

    url_root = root_url = host_url

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
    def environ(self) -> "dict[str, Any]":
        """The request as WSGI tells it (PEP 3333)."""
        found = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": self.path,
            "QUERY_STRING": self.query_string.decode("latin-1"),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.remote_addr,
            "wsgi.url_scheme": self.scheme,
            "wsgi.input": self.stream,
        }  # type: dict[str, Any]
        for name, value in self.headers:
            key = name.upper().replace("-", "_")
            found[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key] = value
        return found

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


class UserAgent(str):
    """What the client says that it is."""

    __slots__ = ()

    @property
    def string(self) -> str:
        """It as plain text."""
        return str(self)


class AMLRequest(Request):
    """The name that entry scripts import."""


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
