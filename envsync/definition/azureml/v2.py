"""The environment YAML of the Azure ML SDK v2, as `az ml environment create -f` takes it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envsync.definition.conda.environment_yml import read_cep24
from envsync.definition.reading.loaded import Loaded
from envsync.definition.reading.repairs import QUOTE
from envsync.definition.reading.yaml_fields import YamlFields, to_json
from envsync.definition.reading.yaml_source import YamlSource, finish, open_yaml, resolve_inside
from envsync.errors import DefinitionError
from envsync.model.environment import BuildContext, EnvironmentSpec, OciPlatform, PythonSettings
from envsync.model.environment_name import NAME_HINT, describe_name_fault, find_name_fault
from envsync.model.json_value import JsonObject, freeze
from envsync.model.text.redaction import quote
from envsync.remedy import Option, advise
from envsync.yamlio import Mapping, Scalar, is_null, plain_value

if TYPE_CHECKING:
    from typing import Literal

    from envsync.definition.reading.report import Report
    from envsync.model.environment import CondaSpec

SCHEMA = "https://azuremlschemas.azureedge.net/latest/environment.schema.json"
KEYS = (
    *("$schema", "name", "version", "description", "tags", "image", "build", "conda_file"),
    *("os_type", "inference_config", "datastore"),
)
V2_ONLY = ("description", "tags", "inference_config", "datastore")
_FILLED_BY_THE_SERVICE = ("id", "creation_context", "latest_version")
_CONDA_KEYS = frozenset({"channels", "dependencies"})
_V1_KEYS = frozenset({"docker", "python", "environmentVariables"})
_ROUTES = ("liveness_route", "readiness_route", "scoring_route")
_URL = re.compile(r"(?:https?|ftps?)://[^\s/]+\S*", re.IGNORECASE)
_STORAGE = re.compile(r"https?://[^/]*\.(?:blob|dfs|file)\.(?:core|storage)\.", re.IGNORECASE)


def load_v2(source: YamlSource) -> Loaded:
    """Return the definition in *source*; no file outside its folder is read.

    Without `conda_file` an image is used with the Python that it has, which is what v1 calls
    user-managed.

    Raises:
        DefinitionError: it is wrong; the error holds every finding.
    """
    _check_kind(source)
    return _Reader(source).load()


def is_url(text: str) -> bool:
    """Tell whether *text* is an address that `build.path` may be."""
    return bool(_URL.fullmatch(text))


def guess_location_type(url: str) -> Literal["git", "storageAccount"]:
    """Return what v1 would call the place of the build context at *url*."""
    return "storageAccount" if _STORAGE.match(url) else "git"


def _check_kind(source: YamlSource) -> None:
    """Refuse what is another kind of file altogether, with one finding."""
    if not isinstance(source.root, Mapping):
        message = "a mapping with `name` and `image` should be here"
        source.report.error("", message, at=source.root, rule="wrong-type")
    elif source.keys & _CONDA_KEYS:
        hint = advise(
            "name it under `conda_file` of a v2 file, or read it with ",
            Option("from", "environment-yml"),
        )
        source.report.error(
            "", "this is a conda environment file", hint=hint, rule="not-a-definition"
        )
    elif source.keys >= _V1_KEYS:
        source.report.error(
            "",
            "this is a definition of the Azure ML SDK v1",
            hint="rename it to `azureml_environment.json`",
            rule="not-a-definition",
        )
    error = finish(source.report)
    if error is not None:
        raise error


class _Reader:
    def __init__(self, source: YamlSource) -> None:
        self._report = source.report
        self._directory = source.path.parent
        self._files = [source.path]
        self._reports: list[Report] = [source.report]
        self._fields = YamlFields(source.root, source.report)

    def load(self) -> Loaded:
        spec = self._read()
        error = finish(*self._reports)
        if error is not None:
            raise error
        return Loaded(spec=spec, warnings=tuple(f for r in self._reports for f in r.warnings))

    def _read(self) -> EnvironmentSpec:
        fields = self._fields
        fields.check_keys(KEYS, ignored=_FILLED_BY_THE_SERVICE)
        fields.text("$schema")
        if "name" not in fields.nodes:
            self._report.error(
                "", "`name` is missing", hint="add `name: NAME` at the top", rule="missing"
            )
        self._check_image_source()
        image, context, conda = fields.text("image"), self._read_build(), self._read_conda()
        has_own_python = image is not None or (
            context is not None and context.location_type == "local"
        )
        return EnvironmentSpec(
            name=self._read_name(),
            version=self._read_version(),
            directory=self._directory,
            files=tuple(self._files),
            base_image=image,
            build_context=context,
            conda=conda,
            platform=OciPlatform(os=self._read_os()),
            python=PythonSettings(user_managed_dependencies=conda is None and has_own_python),
            azureml_v2=self._read_rest(),
        )

    def _read_name(self) -> str | None:
        name = self._fields.text("name")
        if fault := find_name_fault(name or ""):
            message = describe_name_fault(name or "", fault)
            self._report.error(
                "name",
                message,
                rule="impossible-name",
                hint=NAME_HINT,
                at=self._fields.nodes["name"],
            )
        return name

    def _check_image_source(self) -> None:
        """Check what the SDK leaves to the service: one image, from one source."""
        has_image, has_build = "image" in self._fields.nodes, "build" in self._fields.nodes
        if has_image and has_build:
            message = "`image` and `build` exclude each other"
            self._report.error("", message, hint="keep one of the two", rule="contradiction")
        elif "conda_file" in self._fields.nodes and not has_image:
            hint = "make the environment in the Dockerfile" if has_build else "add `image: IMAGE`"
            self._report.error(
                "conda_file", "conda dependencies need an `image`", hint=hint, rule="contradiction"
            )
        elif not has_image and not has_build:
            self._report.error(
                "", "`image` or `build` is missing", hint="add `image: IMAGE`", rule="missing"
            )

    def _read_version(self) -> str | None:
        node = self._fields.nodes.get("version")
        if node is None:
            return None
        if not isinstance(node, Scalar) or is_null(node) or not node.text.strip():
            message, hint = "no version where one should be", 'write `version: "1"`'
            self._report.error("version", message, rule="wrong-type", hint=hint, at=node)
            return None
        as_sdk = str(plain_value(node))
        if as_sdk != node.text:
            message = f"Azure ML reads {quote(node.text)} as {quote(as_sdk)}; envsync does not"
            self._report.warn("version", message, hint=QUOTE, at=node)
        return node.text

    def _read_os(self) -> str:
        text = self._fields.text("os_type")
        if text is not None and text.lower() not in {"linux", "windows"}:
            message = f"{quote(text)} is not `linux` or `windows`"
            self._report.error(
                "os_type", message, at=self._fields.nodes["os_type"], rule="wrong-type"
            )
        return "Windows" if text is not None and text.lower() == "windows" else "Linux"

    def _read_build(self) -> BuildContext | None:
        build = self._fields.mapping("build", hint="write `path: FOLDER` below it")
        if build is None:
            return None
        build.check_keys(("path", "dockerfile_path"))
        if "path" not in build.nodes:
            self._report.error(
                "build", "`path` is missing", hint="add `path: FOLDER`", rule="missing"
            )
        location, dockerfile = build.text("path"), build.text("dockerfile_path")
        if location is None:
            return None
        if is_url(location):
            kind = guess_location_type(location)
            return BuildContext(location_type=kind, location=location, dockerfile_path=dockerfile)
        self._check_folder(location, dockerfile or "Dockerfile", build)
        return BuildContext(location_type="local", location=location, dockerfile_path=dockerfile)

    def _check_folder(self, location: str, dockerfile: str, build: YamlFields) -> None:
        folder, node = self._directory / location, build.nodes["path"]
        try:
            is_inside = folder.resolve().is_relative_to(self._directory.resolve())
            is_folder = is_inside and folder.is_dir()
            is_complete = is_folder and (folder / dockerfile).is_file()
        except (OSError, RuntimeError, ValueError):  # too long, in a circle, with a NUL
            self._report.error(
                "build.path", f"{quote(location)} cannot be a folder", at=node, rule="wrong-type"
            )
            return
        if not is_inside:
            message = f"{quote(location)} lies outside the definition's directory; it is not read"
            self._report.warn(
                "build.path",
                message,
                hint="put it beside the definition",
                at=node,
                rule="outside-path",
            )
        elif not is_folder:
            message = f"{quote(location)} is neither a folder here nor an address"
            self._report.error("build.path", message, at=node, rule="missing")
        elif not is_complete:
            message = f"{quote(location)} has no {quote(dockerfile)}"
            self._report.error(
                "build", message, rule="missing", hint="set `dockerfile_path`", at=node
            )

    def _read_conda(self) -> CondaSpec | None:
        node = self._fields.nodes.get("conda_file")
        if isinstance(node, Mapping):
            return read_cep24(node, self._report, text="", path="conda_file")
        name = self._fields.text("conda_file")
        if name is None:
            return None
        path = resolve_inside(self._directory, name, self._report, "conda_file", at=node)
        if path is None:
            return None
        self._files.append(path)
        try:
            source = open_yaml(path)
        except DefinitionError as error:
            self._report.errors.extend(error.findings)
            return None
        self._reports.append(source.report)
        return read_cep24(source.root, source.report, text=source.text)

    def _read_rest(self) -> JsonObject | None:
        """Return what only v2 has; it is kept, not acted upon."""
        fields = self._fields
        fields.text("description")
        fields.text("datastore")
        fields.mapping("tags", hint="write `NAME: VALUE` below it")
        routes = fields.mapping("inference_config", hint="write the three routes below it")
        if routes is not None:
            self._check_routes(routes)
        kept = ((key, fields.nodes[key]) for key in V2_ONLY if key in fields.nodes)
        entries = tuple((key, freeze(to_json(node))) for key, node in kept)
        return JsonObject(entries) if entries else None

    def _check_routes(self, routes: YamlFields) -> None:
        routes.check_keys(_ROUTES)
        hint = "write `{port: 5001, path: /score}`"
        for name in _ROUTES:
            place = f"inference_config.{name}"
            if name not in routes.nodes:
                self._report.error(place, "the route is missing", hint=hint, rule="missing")
                continue
            route = routes.mapping(name, hint=hint)
            if route is None:
                continue
            route.check_keys(("port", "path"))
            port = route.nodes.get("port")
            is_port = isinstance(port, Scalar) and port.text.isdecimal()
            if not is_port or not route.text("path"):
                at = routes.nodes[name]
                self._report.error(place, "a port and a path should be here", hint=hint, at=at)
