"""How a request becomes the arguments of `run`."""

import inspect

from .failure import ContractError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

HEADERS = "request_headers"
_BOM = "\ufeff"
_KIND = "run-signature"


class BadRequestError(Exception):
    """The request can't be given to `run`; *status* is the HTTP status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class TextBinding:
    """An undecorated `run`: its first parameter takes the whole body as text."""

    def __init__(self, run: "Callable[..., Any]") -> None:
        names = _parameter_names(run)
        self.wants_headers = HEADERS in names
        self._parameter = next(name for name in names if name != HEADERS)

    def bind(self, body: bytes, headers: "dict[str, str]") -> "dict[str, Any]":
        """Return the keyword arguments for *body*."""
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError as error:
            message = "Input cannot be decoded as UTF-8: {}".format(error)
            raise BadRequestError(400, message) from None
        if text.startswith(_BOM):
            text = text[1:]
        arguments = {self._parameter: text}  # type: dict[str, Any]
        if self.wants_headers:
            arguments[HEADERS] = headers
        return arguments


def _parameter_names(run: "Callable[..., Any]") -> "list[str]":
    parameters = list(inspect.signature(run).parameters.values())
    if not [parameter for parameter in parameters if parameter.name != HEADERS]:
        raise ContractError(_KIND, "run() needs to accept an argument for input data")
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    for parameter in parameters:
        if parameter.kind not in by_name:
            raise ContractError(
                _KIND,
                "run() cannot accept positional-only arguments, *args or **kwargs: `{}`".format(
                    parameter
                ),
            )
    return [parameter.name for parameter in parameters]
