"""The environment of an MLflow model: a folder with `MLmodel`, `conda.yaml` and more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envsync.definition.conda.environment_yml import read_cep24
from envsync.definition.mlflow_disagreements import ModelFacts, find_disagreements
from envsync.definition.reading.loaded import Loaded
from envsync.definition.reading.report import Place, Report
from envsync.definition.reading.source_file import read_source
from envsync.definition.reading.yaml_source import finish, open_yaml, resolve_inside
from envsync.definition.requirement.pip_line import (
    PipLineError,
    check_pip_requirement,
    parse_pip_option,
    strip_comment,
)
from envsync.errors import DefinitionError
from envsync.model.environment import CondaSpec, EnvironmentSpec
from envsync.model.text.redaction import quote
from envsync.yamlio import Mapping, Scalar

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.definition.reading.yaml_source import YamlSource
    from envsync.yamlio import Node

MODEL_NAME = "MLmodel"
CONDA_NAME = "conda.yaml"
PYTHON_ENV_NAME = "python_env.yaml"
REQUIREMENTS_NAME = "requirements.txt"
_DEFAULT_NAME = "mlflow-env"
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)*(?:\.\*|(?:a|b|rc)[0-9]+)?")


def load_model(folder: Path) -> Loaded:
    """Return the environment that the MLflow model in *folder* was saved with.

    `conda.yaml` counts, as it alone says all of it; where the files beside it say otherwise, a
    warning names both. A model without one gets `python_env.yaml` and `requirements.txt`. MLflow
    calls all its environments `mlflow-env`; that name gives way to the folder's, so that two
    models are two environments.

    Raises:
        DefinitionError: it has none, or one that is wrong; the error holds every finding.
    """
    return _ModelReader(folder).load()


class _ModelReader:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._model = Report(str(folder / MODEL_NAME))
        self._reports = [self._model]
        self._files = [folder / MODEL_NAME]

    def load(self) -> Loaded:
        model = self._open(self._folder / MODEL_NAME, self._reports)
        conda = self._read_conda(model)
        # With a conda file these two are only held against it, so nothing in them is an error.
        side: list[Report] = []
        python, requirements = self._read_python(side), self._read_requirements(side)
        if conda is None and finish(*self._reports) is None:
            self._reports += side
            conda = self._make_conda(python, requirements)
        else:
            self._model.warnings += [f for report in side for f in report.errors]
        error = finish(*self._reports)
        if error is not None or conda is None:
            raise error or DefinitionError(f"`{self._folder}` names no environment")
        facts = ModelFacts(
            folder=self._folder,
            conda_file=self._files[-1],
            python_env=python,
            requirements=requirements,
            versions=_versions_in(model),
        )
        warnings = tuple(finding for report in self._reports for finding in report.warnings)
        return Loaded(spec=self._spec(conda), warnings=warnings + find_disagreements(conda, facts))

    def _spec(self, conda: CondaSpec) -> EnvironmentSpec:
        has_own_name = conda.name not in {None, _DEFAULT_NAME}
        return EnvironmentSpec(
            name=conda.name if has_own_name else self._folder.resolve().name or _DEFAULT_NAME,
            directory=self._folder,
            files=tuple(self._files),
            conda=conda,
        )

    def _open(self, path: Path, reports: list[Report]) -> YamlSource | None:
        """Return *path* parsed; what is found in it goes to *reports*."""
        try:
            source = open_yaml(path)
        except DefinitionError as error:
            report = Report(str(path))
            report.errors.extend(error.findings)
            reports.append(report)
            return None
        reports.append(source.report)
        return source

    def _read_conda(self, model: YamlSource | None) -> CondaSpec | None:
        named = _conda_file_in(model)
        if named is None and not (self._folder / CONDA_NAME).exists():
            return None
        path = resolve_inside(self._folder, named or CONDA_NAME, self._model, "flavors")
        if path is None:
            return None
        self._files.append(path)
        source = self._open(path, self._reports)
        if source is None:
            return None
        return read_cep24(source.root, source.report, text=source.text)

    def _make_conda(
        self, python: str | None, requirements: tuple[str, ...] | None
    ) -> CondaSpec | None:
        """Return what the files for a virtual environment say, put as conda dependencies."""
        if finish(*self._reports) is not None:
            return None
        if python is None or requirements is None:
            message = f"the model has no `{CONDA_NAME}`"
            self._model.error("flavors", message, hint="save the model again with its environment")
            return None
        self._files += [self._folder / PYTHON_ENV_NAME, self._folder / REQUIREMENTS_NAME]
        self._model.warn(
            "flavors",
            f"the model has no `{CONDA_NAME}`; `{PYTHON_ENV_NAME}` and "
            f"`{REQUIREMENTS_NAME}` are read in its place",
        )
        return CondaSpec(
            channels=("conda-forge",),
            match_specs=(f"python={python}", "pip"),
            pip_requirements=tuple(line for line in requirements if not line.startswith("-")),
            pip_options=tuple(line for line in requirements if line.startswith("-")),
            has_pip_section=True,
        )

    def _read_python(self, reports: list[Report]) -> str | None:
        path = self._folder / PYTHON_ENV_NAME
        source = self._open(path, reports) if path.exists() else None
        value = None if source is None else _get(source.root, "python")
        if source is None or not isinstance(value, Scalar):
            return None
        if not _VERSION.fullmatch(value.text):  # more would be another match spec
            message = f"{quote(value.text)} is not a version of Python"
            source.report.error("python", message, hint="write it as `3.11.7`", rule="wrong-type")
        return value.text

    def _read_requirements(self, reports: list[Report]) -> tuple[str, ...] | None:
        path = self._folder / REQUIREMENTS_NAME
        if not path.exists():
            return None
        report = Report(str(path))
        reports.append(report)
        try:
            text = read_source(path, report)
        except DefinitionError:
            return None
        lines = []
        for number, line in enumerate(text.splitlines(), start=1):
            stripped = strip_comment(line)
            if stripped:
                _check_line(stripped, number, report)
                lines.append(stripped)
        return tuple(lines)


def _check_line(line: str, number: int, report: Report) -> None:
    try:
        if line.startswith("-"):
            parse_pip_option(line)
        else:
            check_pip_requirement(line)
    except PipLineError as error:
        report.error("", str(error), rule=error.rule, hint=error.hint, at=Place(number, 1))


def _conda_file_in(model: YamlSource | None) -> str | None:
    """Return the conda file that the Python flavor names; old files name it alone."""
    named = _get(None if model is None else model.root, "flavors", "python_function", "env")
    if isinstance(named, Mapping):
        named = _get(named, "conda")
    return named.text if isinstance(named, Scalar) and named.text else None


def _versions_in(model: YamlSource | None) -> tuple[tuple[str, str], ...]:
    """Return what `MLmodel` says of versions: each `..._version` of the model and its flavors."""
    root = None if model is None else model.root
    flavors = _get(root, "flavors")
    levels = [root, *([v for _, v in flavors.entries] if isinstance(flavors, Mapping) else [])]
    return tuple(
        (key.text, value.text)
        for level in levels
        if isinstance(level, Mapping)
        for key, value in level.entries
        if key.text.endswith("_version") and isinstance(value, Scalar)
    )


def _get(node: Node | None, *keys: str) -> Node | None:
    for key in keys:
        entries = node.entries if isinstance(node, Mapping) else ()
        node = next((value for name, value in entries if name.text == key), None)
    return node
