"""The service's interface as Swagger 2.0 and OpenAPI 3 documents."""

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .process.settings import Settings

_VERSIONS = {"2": "2", "2.0": "2", "3": "3", "3.0": "3", "3.1": "3.1"}
_OWN_FILES = {
    "2": ("swagger.json", "swagger2.json"),
    "3": ("swagger3.json",),
    "3.1": ("swagger3.1.json",),
}
_ALL = ["2.0", "3.0", "3.1"]
_ANYTHING = {"type": "object", "example": {}}
_FAILED = "The service failed to execute due to an error."
_PROCESSED = (
    "The service processed the input correctly and provided a result prediction, if applicable."
)
_HEALTHY = "If service is up and running, this response will be returned with the content 'Healthy'"
_PAYLOAD = "The input payload for executing the real-time machine learning service."


class NoSuchVersionError(Exception):
    """There is no document of that version."""


def document(version: str, settings: "Settings", schema: "dict[str, Any] | None") -> "Any":
    """Return the document of *version*: a file of the user's, else made from *schema*.

    Raises:
        NoSuchVersionError: the script's types can't be told in it, or there is none such.
    """
    supported = sorted({_VERSIONS[one] for one in (schema or {}).get("versions", _ALL)})
    if version not in _VERSIONS:
        message = "Swagger version [{}] is not valid. Supported versions: [{}]."
        raise NoSuchVersionError(message.format(version, ", ".join(supported)))
    plain = _VERSIONS[version]
    for name in _OWN_FILES[plain]:
        own = _read(os.path.join(settings.app_root, name))
        if own is not None:
            return own
    if plain not in supported:
        message = (
            "Swagger version [{}] is not supported for the scoring script. "
            "Supported swagger versions: [{}]."
        )
        raise NoSuchVersionError(message.format(version, ", ".join(supported)))
    shape = _Swagger2() if plain == "2" else _OpenApi3(plain)
    return shape.document(settings, schema or {"input": _ANYTHING, "output": _ANYTHING})


class _Swagger2:
    """How Swagger 2.0 says it."""

    schemas = "#/definitions/"

    def response(self, text: str, schema: "Any", example: "Any" = None) -> "dict[str, Any]":
        found = {"description": text, "schema": schema}  # type: dict[str, Any]
        if example:
            found["examples"] = {"application/json": example}
        return found

    def ref(self, name: str) -> "dict[str, str]":
        return {"$ref": self.schemas + name}

    def version_parameter(self) -> "dict[str, Any]":
        named = {"name": "version", "in": "query", "required": False}
        return dict(named, **self.typed({"type": "integer", "enum": [2, 3]}))

    def typed(self, schema: "dict[str, Any]") -> "dict[str, Any]":
        return schema

    def text_response(self, text: str, example: "Any" = None) -> "dict[str, Any]":
        return self.response(text, {"type": "string"}, example)

    def payload(self) -> "dict[str, Any]":
        parameter = {
            "name": "serviceInputPayload",
            "in": "body",
            "description": _PAYLOAD,
            "schema": self.ref("ServiceInput"),
        }
        return {"parameters": [parameter]}

    def paths(self, prefix: str) -> "dict[str, Any]":
        failed = self.response(_FAILED, self.ref("ErrorResponse"))
        health = {
            "operationId": "ServiceHealthCheck",
            "description": "Simple health check endpoint to ensure the service is up "
            "at any given point.",
            "responses": {"200": self.text_response(_HEALTHY, "Healthy"), "default": failed},
        }
        score = {
            "operationId": "RunMLService",
            "description": "Run web service's model and get the prediction output",
            "security": [{"Bearer": []}],
        }  # type: dict[str, Any]
        score.update(self.payload())
        score["responses"] = {
            "200": self.response(_PROCESSED, self.ref("ServiceOutput")),
            "default": failed,
        }
        swagger = {
            "operationId": "GetSwaggerSpec",
            "description": "Get the Swagger specification.",
            "parameters": [self.version_parameter()],
            "responses": {
                "200": self.text_response("The Swagger specification."),
                "default": failed,
            },
        }
        return {
            prefix + "/": {"get": health},
            prefix + "/score": {"post": score},
            prefix + "/swagger.json": {"get": swagger},
        }

    def document(self, settings: "Settings", schema: "dict[str, Any]") -> "dict[str, Any]":
        return {
            "swagger": "2.0",
            "info": _info(settings),
            "schemes": ["https"],
            "consumes": ["application/json"],
            "produces": ["application/json"],
            "securityDefinitions": {"Bearer": _bearer()},
            "paths": self.paths(_prefix(settings)),
            "definitions": _schemas(schema),
        }


class _OpenApi3(_Swagger2):
    """How OpenAPI 3.0 and 3.1 say it."""

    schemas = "#/components/schemas/"

    def __init__(self, version: str) -> None:
        self._version = "3.1.0" if version == "3.1" else "3.0.3"

    def response(self, text: str, schema: "Any", example: "Any" = None) -> "dict[str, Any]":
        del example
        return {"description": text, "content": {"application/json": {"schema": schema}}}

    def typed(self, schema: "dict[str, Any]") -> "dict[str, Any]":
        return {"schema": schema}

    def text_response(self, text: str, example: "Any" = None) -> "dict[str, Any]":
        schema = {"type": "string"}
        if example:
            schema["example"] = example
        return {"description": text, "content": {"text/plain": {"schema": schema}}}

    def payload(self) -> "dict[str, Any]":
        content = {"application/json": {"schema": self.ref("ServiceInput")}}
        return {"requestBody": {"description": _PAYLOAD, "content": content}}

    def document(self, settings: "Settings", schema: "dict[str, Any]") -> "dict[str, Any]":
        return {
            "openapi": self._version,
            "info": _info(settings),
            "security": [{"Bearer": []}],
            "paths": self.paths(_prefix(settings)),
            "components": {
                "schemas": _schemas(schema),
                "securitySchemes": {"Bearer": _bearer()},
            },
        }


def _info(settings: "Settings") -> "dict[str, str]":
    title = settings.service_name
    text = "API specification for the Azure Machine Learning service " + title
    return {"title": title, "description": text, "version": settings.service_version}


def _bearer() -> "dict[str, str]":
    return {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "description": "For example: Bearer abc123",
    }


def _schemas(schema: "dict[str, Any]") -> "dict[str, Any]":
    message = {"type": "object", "properties": {"message": {"type": "string"}}}
    return {
        "ServiceInput": schema["input"],
        "ServiceOutput": schema["output"],
        "ErrorResponse": message,
    }


def _prefix(settings: "Settings") -> str:
    prefix = settings.service_path_prefix
    return "/" + prefix if prefix else ""


def _read(path: str) -> "Any":
    try:
        with open(path, encoding="utf-8") as stream:
            return json.load(stream)
    except (OSError, ValueError):
        return None
