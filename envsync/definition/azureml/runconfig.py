"""A RunConfiguration file, the second place where the Azure ML SDK v1 keeps an environment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from envsync.definition.azureml.environment_json import EnvironmentJson, read_environment
from envsync.definition.azureml.keys import ENVIRONMENT
from envsync.definition.conda.dependencies import load_conda, read_conda
from envsync.definition.reading.fields import Anything, ListOf, MapOfText, Object, Text
from envsync.definition.reading.loaded import Loaded
from envsync.definition.reading.report import Place, Report, join
from envsync.definition.reading.source_file import read_source
from envsync.errors import DefinitionError
from envsync.model.text.redaction import quote
from envsync.yamlio import (
    Mapping,
    Scalar,
    Sequence,
    dump_yaml,
    is_null,
    node_from,
    parse_yaml,
    plain_value,
)

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.definition.reading.fields import Kind
    from envsync.errors import Finding
    from envsync.model.environment import CondaSpec, EnvironmentSpec
    from envsync.yamlio import Node

PROJECT_FOLDERS = frozenset({".azureml", "aml_config"})


def is_runconfig(path: Path) -> bool:
    """Tell whether *path* is named as run configurations are."""
    return path.suffix == ".runconfig" or path.absolute().parent.name in PROJECT_FOLDERS


def load_runconfig(path: Path) -> Loaded:
    """Return the environment that the run configuration *path* holds or names.

    Its paths start at the project: the folder that has `.azureml` in it, or that of *path*.

    Raises:
        DefinitionError: there is none, or it is wrong; the error holds every finding.
    """
    return _RunconfigReader(path).load()


class _Section(NamedTuple):
    """An environment in a YAML file, with the key path at which it stands."""

    node: Node
    report: Report
    path: str


class _RunconfigReader:
    def __init__(self, path: Path) -> None:
        self._path = path
        is_in_project = path.absolute().parent.name in PROJECT_FOLDERS
        self._project = path.parent / ".." if is_in_project else path.parent
        if is_in_project and path.parent.name in PROJECT_FOLDERS:
            self._project = path.parent.parent
        self._reports: list[Report] = []
        self._files: list[Path] = []

    def load(self) -> Loaded:
        section = self._find_section()
        if section is not None:
            spec = self._read(section)
            if not any(report.errors for report in self._reports):
                warnings = tuple(found for report in self._reports for found in report.warnings)
                return Loaded(spec=replace(spec, files=tuple(self._files)), warnings=warnings)
        errors = [finding for report in self._reports for finding in report.errors]
        raise DefinitionError.from_findings(errors)

    def _find_section(self) -> _Section | None:
        report = self._open(self._path)
        root = self._parse(self._path, report)
        if root is None:
            return None
        entries = {_squeeze(key.text): value for key, value in root.entries}
        named = entries.get("environment")
        if named is None or is_null(named):
            hint = "save it again with a newer SDK, or give a definition directory"
            report.error(
                "", "there is no `environment` in this run configuration", rule="missing", hint=hint
            )
            return None
        if not isinstance(named, Scalar):
            return _Section(named, report, "environment")
        path = self._inside(named.text, report, "environment")
        if path is None:
            return None
        separate = self._open(path)
        root = self._parse(path, separate)
        return None if root is None else _Section(root, separate, "")

    def _read(self, section: _Section) -> EnvironmentSpec:
        """Read *section* as if it were the JSON, then put its findings where they belong."""
        inner = Report(section.report.file)
        value = _to_value(section.node, ENVIRONMENT)
        environment = read_environment(value, inner, directory=self._project)
        conda = self._load_conda(environment, inner)
        places: dict[str, Place] = {}
        _index(section.node, "", places)
        section.report.errors += [_put(f, section.path, places) for f in inner.errors]
        section.report.warnings += [_put(f, section.path, places) for f in inner.warnings]
        python = replace(environment.spec.python, conda_dependencies_file=None)
        return replace(environment.spec, conda=conda, python=python)

    def _load_conda(self, environment: EnvironmentJson, report: Report) -> CondaSpec | None:
        inline, spec = environment.inline_conda, environment.spec
        if inline is not None:
            path = "python.condaDependencies"
            return read_conda(node_from(inline), report, text=dump_yaml(inline), path=path)
        name = spec.python.conda_dependencies_file
        if name is not None:
            return self._load_conda_file(name, report)
        is_without = spec.build_context is not None or bool(spec.base_dockerfile)
        if not (spec.python.user_managed_dependencies or is_without):
            report.error("python", "`condaDependenciesFile` is missing", rule="missing")
        return None

    def _load_conda_file(self, name: str, report: Report) -> CondaSpec | None:
        path = self._inside(name, report, "python.condaDependenciesFile")
        if path is None:
            return None
        opened = self._open(path)
        try:
            return load_conda(read_source(path, opened), opened)
        except DefinitionError:
            return None

    def _inside(self, name: str, report: Report, key_path: str) -> Path | None:
        """Return the file *name* of the project; one that is elsewhere is not read."""
        path = self._project / name
        try:
            if path.resolve().is_relative_to(self._project.resolve()):
                return path
        except (OSError, RuntimeError, ValueError):  # a circle of links, or no path at all
            pass
        message = f"{quote(name)} lies outside the project, and is not read"
        report.error(key_path, message, hint="put a copy inside", rule="outside-path")
        return None

    def _open(self, path: Path) -> Report:
        report = Report(str(path))
        self._reports.append(report)
        self._files.append(path)
        return report

    def _parse(self, path: Path, report: Report) -> Mapping | None:
        try:
            root = parse_yaml(read_source(path, report), file=report.file)
        except DefinitionError as error:
            report.errors[:] = error.findings
            return None
        if isinstance(root, Mapping):
            return root
        report.error("", "a mapping should be here", rule="wrong-type")
        return None


def _to_value(node: Node, kind: Kind) -> Any:
    """Return *node* as the JSON would have it.

    Keys may be in snake or Pascal case, as the SDK takes them here; text needs no quotes.
    """
    if isinstance(kind, Object) and isinstance(node, Mapping):
        known = {_squeeze(key): key for key in kind.fields}
        named = ((known.get(_squeeze(key.text), key.text), value) for key, value in node.entries)
        return {name: _to_value(value, kind.fields.get(name, Anything())) for name, value in named}
    if isinstance(kind, ListOf) and isinstance(node, Sequence):
        return [_to_value(item, kind.item) for item in node.items]
    if isinstance(kind, MapOfText) and isinstance(node, Mapping):
        return {key.text: _to_value(value, Text()) for key, value in node.entries}
    if isinstance(kind, Text) and isinstance(node, Scalar) and not is_null(node):
        return node.text
    return plain_value(node)


def _index(node: Node, path: str, places: dict[str, Place]) -> None:
    """Note where each key path of *node* stands."""
    places[path] = Place(node.line or 1, node.column or 1)
    if isinstance(node, Mapping):
        for key, value in node.entries:
            _index(value, join(path, _squeeze(key.text)), places)
    elif isinstance(node, Sequence):
        for i, item in enumerate(node.items):
            _index(item, f"{path}[{i}]", places)


def _put(finding: Finding, path: str, places: dict[str, Place]) -> Finding:
    place = places.get(_squeeze(finding.key_path), places[""])
    key_path = join(path, finding.key_path) if finding.key_path else path
    return replace(finding, key_path=key_path, line=place.line, column=place.column)


def _squeeze(key: str) -> str:
    return key.replace("_", "").lower()
