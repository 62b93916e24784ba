"""Modules that entry scripts import from Azure ML's server, offered without it.

Those of the server are always ours, since its own would bring Flask's request into a process
that has none. Flask itself is only stood in for where it is not installed.
"""

import importlib.machinery
import sys
import types

from . import exchange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

RAW_MARK = "_envsync_rawhttp"


def rawhttp(function: "Callable[..., Any]") -> "Callable[..., Any]":
    """Mark *function* as one that takes the request itself."""
    setattr(function, RAW_MARK, True)
    return function


def _jsonify(*values: "Any", **fields: "Any") -> exchange.Response:
    import json  # noqa: PLC0415  # beside its only user

    value = fields or (values[0] if len(values) == 1 else list(values))
    return exchange.Response(json.dumps(value) + "\n", mimetype="application/json")


_REQUEST = {"AMLRequest": exchange.AMLRequest, "rawhttp": rawhttp}
_RESPONSE = {"AMLResponse": exchange.AMLResponse}
_ALWAYS = {
    "azureml.contrib.services.aml_request": _REQUEST,
    "azureml.contrib.services.aml_response": _RESPONSE,
    "azureml_inference_server_http.api.aml_request": _REQUEST,
    "azureml_inference_server_http.api.aml_response": _RESPONSE,
}  # type: dict[str, dict[str, Any]]
_IF_ABSENT = {
    "azureml": {},
    "azureml.contrib": {},
    "azureml.contrib.services": {},
    "azureml_inference_server_http": {},
    "azureml_inference_server_http.api": {},
    "flask": {
        "Request": exchange.Request,
        "Response": exchange.Response,
        "jsonify": _jsonify,
    },
}  # type: dict[str, dict[str, Any]]


def offer_modules() -> None:
    """Let the imports of an entry script find the modules here."""
    sys.meta_path.insert(0, _StandIn(_ALWAYS))
    sys.meta_path.append(_StandIn(_IF_ABSENT))


class _StandIn:
    """Finds and makes modules out of a table of names."""

    def __init__(self, modules: "dict[str, dict[str, Any]]") -> None:
        self._modules = modules

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        del path, target
        if name not in self._modules:
            return None
        is_package = not self._modules[name] or name == "flask"
        return importlib.machinery.ModuleSpec(name, self, is_package=is_package)  # type: ignore[arg-type]  # it loads as one

    def create_module(self, spec: "Any") -> types.ModuleType:
        module = types.ModuleType(spec.name, "Stands in for what Azure ML's server offers.")
        vars(module).update(self._modules[spec.name])
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        del module  # it is complete already
