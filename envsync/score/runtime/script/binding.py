"""How a request becomes the arguments of `run`."""

import json
import sys
import types

from ..protocol.failure import ContractError
from .standin.modules import is_raw

TYPE_CHECKING = False
if TYPE_CHECKING:
    import inspect
    from typing import Any, Callable, Iterable

HEADERS = "request_headers"
_BOM = "\ufeff"
_KIND = "run-signature"
_UNDECODABLE = "Input cannot be decoded as UTF-8: {}"
_VARIADIC = 0x04 | 0x08  # the flags of *args and **kwargs


class BadRequestError(Exception):
    """The request can't be given to `run`; *status* is the HTTP status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Call:
    """A request as the worker gets it; what a frame leaves out is a bare POST of JSON."""

    def __init__(self, header: "dict[str, Any]", body: bytes) -> None:
        self.method = header.get("method", "POST")
        self.target = header.get("target", "/score")
        self.headers: "Iterable[tuple[str, str]]" = header.get("headers", ())
        self.content_type = header.get("type", "application/json")
        self.body = body

    def query(self) -> "dict[str, Any]":
        """Return the fields of the query, each as JSON if it can be; repeated ones as lists."""
        from urllib.parse import parse_qsl  # noqa: PLC0415  # only queries need it

        _, _, query = self.target.partition("?")
        fields = {}  # type: dict[str, list[Any]]
        for key, text in parse_qsl(query, keep_blank_values=True):
            fields.setdefault(key, []).append(_json_or_text(text))
        return {key: many if len(many) > 1 else many[0] for key, many in fields.items()}

    def headers_by_title(self) -> "dict[str, str]":
        """Return the headers as `request_headers` has them: `Title-Case` names, values joined."""
        found = {}  # type: dict[str, str]
        for name, value in self.headers:
            title = name.title()
            found[title] = found[title] + "," + value if title in found else value
        return found


class TextBinding:
    """An undecorated `run`: its first parameter takes the whole body as text."""

    kind = "text"

    def __init__(self, names: "list[str]") -> None:
        self._parameter = next(name for name in names if name != HEADERS)

    def arguments(self, call: Call) -> "dict[str, Any]":
        """Return the keyword arguments for *call*."""
        if call.method == "GET":
            return {self._parameter: json.dumps(call.query())}
        text = _decoded(call.body)
        return {self._parameter: text[1:] if text.startswith(_BOM) else text}


class SchemaBinding:
    """A `run` under `@input_schema`: the fields of a JSON object are its arguments."""

    kind = "schema"

    def __init__(self, run: "Callable[..., Any]") -> None:
        parameters = _parameters(run)
        self._parameters = [one for one in parameters if one.name != HEADERS]

    def arguments(self, call: Call) -> "dict[str, Any]":
        """Return the keyword arguments for *call*."""
        fields = call.query() if call.method == "GET" else _json_object(call)
        found = {}
        for parameter in self._parameters:
            value = fields.get(parameter.name, parameter.default)
            if value is parameter.empty:
                message = "A value is not provided for the {!r} parameter.".format(parameter.name)
                raise BadRequestError(400, message)
            found[parameter.name] = value
        return found


class RawBinding:
    """A `run` under `@rawhttp`: it takes the request itself."""

    kind = "raw"

    def __init__(self, names: "list[str]") -> None:
        self._parameter = next(name for name in names if name != HEADERS)

    def arguments(self, call: Call) -> "dict[str, Any]":
        """Return the keyword arguments for *call*."""
        from .standin.raw_request import AMLRequest  # noqa: PLC0415  # the script imported it already

        headers = list(call.headers)
        return {self._parameter: AMLRequest(call.method, call.target, headers, call.body)}


def bind(run: "Callable[..., Any]") -> "Any":
    """Return the binding that *run* asks for by its decorators.

    As under Azure ML, `@rawhttp` counts wherever it stands.

    Raises:
        ContractError: its signature is none that Azure ML calls.
    """
    names = _parameter_names(run)
    if names is None or not set(names) - {HEADERS}:
        names = [parameter.name for parameter in _parameters(run)]
    is_schema = schema_of(run) is not None
    if is_raw() and is_schema:
        raise ContractError(_KIND, "run() cannot be decorated with both @rawhttp and @input_schema")
    if is_raw():
        return RawBinding(names)
    return SchemaBinding(run) if is_schema else TextBinding(names)


def wants_headers(run: "Callable[..., Any]") -> bool:
    """Say whether *run* has a parameter for the headers."""
    names = _parameter_names(run)
    return HEADERS in ([one.name for one in _parameters(run)] if names is None else names)


def schema_of(run: "Callable[..., Any]") -> "dict[str, Any] | None":
    """Return the schemas that decorators of inference-schema gave *run*, None without any."""
    schema_util = sys.modules.get("inference_schema.schema_util")  # type: Any
    is_decorated = getattr(schema_util, "is_schema_decorated", None)
    if is_decorated is None or not is_decorated(run):
        return None
    versions = getattr(schema_util, "get_supported_versions", lambda _: ["2.0", "3.0", "3.1"])
    return {
        "input": schema_util.get_input_schema(run),
        "output": schema_util.get_output_schema(run),
        "versions": list(versions(run)),
    }


def _parameter_names(run: "Any") -> "list[str] | None":
    """Return the names of the parameters of a plain function that all have names to pass.

    None leaves it to `_parameters`, which costs the import of `inspect`.
    """
    if type(run) is not types.FunctionType or vars(run):
        return None
    code = run.__code__
    if code.co_flags & _VARIADIC or getattr(code, "co_posonlyargcount", 0):
        return None
    return list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def _parameters(run: "Callable[..., Any]") -> "list[inspect.Parameter]":
    import inspect  # noqa: PLC0415  # a slow import that a plain `run` does without

    parameters = list(inspect.signature(run).parameters.values())
    if not [parameter for parameter in parameters if parameter.name != HEADERS]:
        raise ContractError(_KIND, "run() needs to accept an argument for input data")
    for parameter in parameters:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            message = "run() cannot accept positional-only arguments, *args or **kwargs: `{}`"
            raise ContractError(_KIND, message.format(parameter))
    return parameters


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequestError(400, _UNDECODABLE.format(error)) from None


def _json_object(call: Call) -> "dict[str, Any]":
    from .standin.raw_request import is_json_type  # noqa: PLC0415  # only decorated scripts need it

    if not is_json_type(call.content_type.partition(";")[0].strip().lower()):
        raise BadRequestError(415, "Expects Content-Type to be application/json")
    if not call.body:
        raise BadRequestError(400, "POST body is empty. Expecting a JSON dictionary.")
    try:
        fields = json.loads(call.body)  # in UTF-8, 16 or 32, as JSON's own reader finds
    except UnicodeDecodeError as error:
        raise BadRequestError(400, _UNDECODABLE.format(error)) from None
    except (ValueError, RecursionError) as error:
        message = "POST body could not be decoded as JSON: {}".format(error)
        raise BadRequestError(400, message) from None
    if not isinstance(fields, dict):
        raise BadRequestError(400, "POST body should be a JSON dictionary.")
    return fields


def _json_or_text(text: str) -> "Any":
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
