"""Modules that entry scripts import from Azure ML's server, offered without it.

Those of the server are always ours, since its own would bring Flask's request into a process
that has none. Flask and the SDK are only stood in for where they are not installed.
"""

import importlib.machinery
import sys
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_decorated = []  # type: list[Any]


def rawhttp(function: "Callable[..., Any]") -> "Callable[..., Any]":
    """Note that `run` takes the request itself; *function* need not be it, as under Azure ML."""
    _decorated.append(function)
    return function


def is_raw() -> bool:
    """Say whether anything was decorated with `@rawhttp`."""
    return bool(_decorated)


_REQUEST = "request"
_RESPONSE = "response"
_FLASK = "flask"
_MODEL = "model"
_PACKAGE = "package"
_ALWAYS = {
    "azureml.contrib.services.aml_request": _REQUEST,
    "azureml.contrib.services.aml_response": _RESPONSE,
    "azureml_inference_server_http.api.aml_request": _REQUEST,
    "azureml_inference_server_http.api.aml_response": _RESPONSE,
}
_IF_ABSENT = {
    "azureml": _PACKAGE,
    "azureml.contrib": _PACKAGE,
    "azureml.contrib.services": _PACKAGE,
    "azureml.core": _MODEL,
    "azureml.core.model": _MODEL,
    "azureml_inference_server_http": _PACKAGE,
    "azureml_inference_server_http.api": _PACKAGE,
    "flask": _FLASK,
}


def offer_modules() -> None:
    """Let the imports of an entry script find the modules here."""
    sys.meta_path.insert(0, _StandIn(_ALWAYS))
    sys.meta_path.append(_StandIn(_IF_ABSENT))


class _StandIn:
    """Finds the modules of a table, and makes them when they are imported."""

    def __init__(self, modules: "dict[str, str]") -> None:
        self._modules = modules

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        del path, target
        if name not in self._modules:
            return None
        is_package = self._modules[name] in (_PACKAGE, _FLASK) or name == "azureml.core"
        return importlib.machinery.ModuleSpec(name, self, is_package=is_package)  # type: ignore[arg-type]  # it loads as one

    def create_module(self, spec: "Any") -> types.ModuleType:
        module = types.ModuleType(spec.name, "Stands in for what Azure ML's server offers.")
        vars(module).update(_content(self._modules[spec.name]))
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        del module  # it is complete already


def _content(kind: str) -> "dict[str, Any]":
    if kind == _PACKAGE:
        return {}
    if kind == _MODEL:
        from .model import Model  # noqa: PLC0415  # as below

        return {"Model": Model}
    from . import raw_request, raw_response  # noqa: PLC0415  # most scripts never need them

    if kind == _REQUEST:
        return {"AMLRequest": raw_request.AMLRequest, "rawhttp": rawhttp}
    if kind == _RESPONSE:
        return {"AMLResponse": raw_response.AMLResponse}
    return {
        "Request": raw_request.Request,
        "Response": raw_response.Response,
        "jsonify": raw_response.jsonify,
    }
