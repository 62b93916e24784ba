"""A directory as `Environment.save_to_directory` of the Azure ML SDK v1 leaves it."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from envsync.definition.azureml.environment_json import EnvironmentJson, read_environment
from envsync.definition.conda.dependencies import load_conda, read_conda
from envsync.definition.reading.json_text import Places, parse_json
from envsync.definition.reading.loaded import Loaded
from envsync.definition.reading.report import Report
from envsync.definition.reading.source_file import read_source
from envsync.errors import DefinitionError, Finding
from envsync.model.text.redaction import quote
from envsync.model.text.wording import find_near
from envsync.yamlio import dump_yaml, node_from

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.model.environment import CondaSpec, EnvironmentSpec

JSON_NAME = "azureml_environment.json"
CONDA_NAME = "conda_dependencies.yml"
DOCKERFILE_NAME = "BaseDockerfile"

# Under these names the conda file is met in the wild: habits, and copies that a browser made.
_COMPANION = re.compile(r"conda_dependencies.*\.ya?ml|environment\.ya?ml")


def load_directory(directory: Path) -> Loaded:
    """Return the definition in *directory*.

    Raises:
        DefinitionError: it has none, or one that is wrong; the error holds every finding.
    """
    return _DirectoryReader(directory).load()


class _DirectoryReader:
    """Read the files one by one, then hold them against each other."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._names = _list_names(directory)
        self._json = Report(str(directory / JSON_NAME))
        self._reports = [self._json]
        self._json_text = ""
        self._files = [directory / JSON_NAME]

    def load(self) -> Loaded:
        environment = self._load_json()
        conda = self._load_conda(environment)
        dockerfile = self._load_dockerfile()
        if environment is not None:
            spec = self._join(environment.spec, conda, dockerfile)
            if not any(report.errors for report in self._reports):
                warnings = self._gather([r.warnings for r in self._reports])
                return Loaded(spec=replace(spec, files=tuple(self._files)), warnings=warnings)
        raise DefinitionError.from_findings(self._gather([r.errors for r in self._reports]))

    def _load_json(self) -> EnvironmentJson | None:
        try:
            self._json_text = read_source(self._directory / JSON_NAME, self._json)
            value = parse_json(self._json_text, self._json)
        except DefinitionError:
            return None
        return read_environment(value, self._json, directory=self._directory)

    def _load_conda(self, environment: EnvironmentJson | None) -> CondaSpec | None:
        inline = None if environment is None else self._read_inline(environment.inline_conda)
        name = self._find_conda_file(environment)
        if name is None:
            return inline
        conda = self._load_conda_file(name)
        if inline is not None and conda is not None and not _agree(inline, conda):
            self._json.error(
                "python.condaDependencies",
                f"this differs from `{name}`, which Azure ML would take in its place",
                hint=f"set it to null, or remove `{name}`",
                rule="contradiction",
            )
        return conda

    def _read_inline(self, value: object) -> CondaSpec | None:
        if value is None:
            return None
        path = "python.condaDependencies"
        return read_conda(node_from(value), self._json, text=dump_yaml(value), path=path)

    def _find_conda_file(self, environment: EnvironmentJson | None) -> str | None:
        if CONDA_NAME in self._names:
            self._warn_ignored_file(environment, CONDA_NAME)
            return CONDA_NAME
        if environment is None or environment.inline_conda is not None:
            return None
        if environment.spec.python.user_managed_dependencies:
            return None
        companions = sorted(filter(_COMPANION.fullmatch, self._names))
        wanted = environment.spec.python.conda_dependencies_file
        if wanted in self._names:
            companions = [wanted]
        if len(companions) == 1:
            self._warn_ignored_file(environment, companions[0])
            return companions[0]
        self._miss_conda_file(environment.spec, companions)
        return None

    def _warn_ignored_file(self, environment: EnvironmentJson | None, name: str) -> None:
        if name != CONDA_NAME:
            report = Report(str(self._directory / name))
            message = f"this is read for lack of `{CONDA_NAME}`; Azure ML would not see it"
            report.warn("", message, hint=f"rename it to `{CONDA_NAME}`", rule="missing")
            self._reports.append(report)
        wanted = None if environment is None else environment.spec.python.conda_dependencies_file
        if wanted is not None and wanted != name:
            message = f"Azure ML does not read {quote(wanted)} here, but `{name}`"
            self._json.warn(
                "python.condaDependenciesFile", message, hint="set it to null", rule="contradiction"
            )

    def _miss_conda_file(self, spec: EnvironmentSpec, companions: list[str]) -> None:
        if companions:
            names = ", ".join(quote(name) for name in companions)
            message = f"`{CONDA_NAME}` is missing, and {names} could stand for it"
            self._json.error(
                "", message, hint=f"rename the right one to `{CONDA_NAME}`", rule="missing"
            )
        elif not (spec.build_context or spec.base_dockerfile or DOCKERFILE_NAME in self._names):
            message = f"`{CONDA_NAME}` is missing, and the dependencies are not user-managed"
            hint = "put it beside, or set `userManagedDependencies` to true"
            self._json.error("", message, hint=hint, rule="missing")

    def _load_conda_file(self, name: str) -> CondaSpec | None:
        path = self._directory / name
        report = Report(str(path))
        self._reports.append(report)
        self._files.append(path)
        try:
            return load_conda(read_source(path, report), report)
        except DefinitionError:
            return None

    def _load_dockerfile(self) -> str | None:
        if DOCKERFILE_NAME not in self._names:
            return None
        path = self._directory / DOCKERFILE_NAME
        report = Report(str(path))
        self._reports.append(report)
        self._files.append(path)
        try:
            text = read_source(path, report).replace("\r\n", "\n").replace("\r", "\n")
        except DefinitionError:
            return None
        if not text.strip():
            report.error(
                "", "the file is empty, and would take the place of the base image", rule="syntax"
            )
        elif not re.search(r"^\s*from\s", text, re.IGNORECASE | re.MULTILINE):
            report.warn(
                "", "no line starts with `FROM`, so this is no Dockerfile", rule="not-a-definition"
            )
        return text

    def _join(
        self, spec: EnvironmentSpec, conda: CondaSpec | None, dockerfile: str | None
    ) -> EnvironmentSpec:
        if dockerfile is None:
            return replace(spec, conda=conda)
        others = (
            ("baseImage", spec.base_image is not None),
            ("buildContext", spec.build_context is not None),
            ("baseDockerfile", bool(spec.base_dockerfile) and spec.base_dockerfile != dockerfile),
        )
        for key, is_there in others:
            if is_there:
                message = (
                    f"this is there, and `{DOCKERFILE_NAME}` beside it would silently replace it"
                )
                hint = f"set it to null, or remove `{DOCKERFILE_NAME}`"
                self._json.error(f"docker.{key}", message, hint=hint, rule="contradiction")
        return replace(spec, conda=conda, base_dockerfile=dockerfile)

    def _gather(self, groups: list[list[Finding]]) -> tuple[Finding, ...]:
        """Return all findings, those of the JSON with their lines, which only they need."""
        found = [finding for group in groups for finding in group]
        if any(f.file == self._json.file and f.key_path for f in found):
            places = Places(self._json_text)
            found = [
                replace(f, line=places.line(f.key_path))
                if f.file == self._json.file and f.key_path
                else f
                for f in found
            ]
        order = {report.file: number for number, report in reversed(list(enumerate(self._reports)))}
        return tuple(sorted(found, key=lambda f: (order[f.file], f.line or 0)))


def _list_names(directory: Path) -> frozenset[str]:
    try:
        names = frozenset(os.listdir(directory))  # noqa: PTH208  # names, a third of the cost
    except OSError as error:
        finding = Finding(
            file=str(directory),
            message=f"cannot be read: {error.strerror}",
            hint=_find_meant(directory) or "give the folder or the file of a definition",
            rule="missing",
        )
        raise DefinitionError.from_findings([finding]) from error
    if JSON_NAME not in names:
        raise DefinitionError(
            f"`{directory}` has no `{JSON_NAME}`",
            hint="give a directory that `Environment.save_to_directory` wrote",
        )
    return names


def _find_meant(path: Path) -> str | None:
    """Return a hint that names what lies where *path* would and is called much like it."""
    with contextlib.suppress(OSError):
        near = find_near(path.name, sorted(it.name for it in path.parent.iterdir() if it != path))
        return f"did you mean `{path.with_name(near)}`?" if near else None
    return None


def _agree(one: CondaSpec, other: CondaSpec) -> bool:
    return replace(one, text="", name=None) == replace(other, text="", name=None)
