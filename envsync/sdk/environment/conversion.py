"""Environments that can be changed to frozen definitions, and back: the one place for it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.definition.azureml.environment_json import dump_environment, read_environment
from envsync.definition.reading.report import Report
from envsync.errors import DefinitionError, Finding
from envsync.model.environment import BuildContext
from envsync.model.text.redaction import shorten
from envsync.sdk.environment.conda_dependencies import CondaDependencies
from envsync.sdk.environment.document import fill, to_document
from envsync.sdk.environment.sections import DockerBuildContext

if TYPE_CHECKING:
    from envsync.model.environment import CondaSpec, EnvironmentSpec
    from envsync.model.json_value import JsonObject
    from envsync.sdk.environment.environment import Environment


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where an environment comes from, and what of its definition has no attribute.

    Relative paths start at *directory*. *source* is the definition on disk that it was loaded
    from or saved to, None where there is none. *warnings* are those of loading it.
    """

    directory: Path = Path()
    files: tuple[Path, ...] = ()
    azureml_v2: JsonObject | None = None
    source: Path | None = None
    warnings: tuple[Finding, ...] = ()


def fill_from_spec(environment: Environment, spec: EnvironmentSpec) -> None:
    """Set the attributes of the new *environment* to what *spec* says."""
    document = json.loads(dump_environment(spec))
    document["docker"].pop("baseDockerfile", None)
    fill(environment, document)
    if spec.base_dockerfile is not None:
        environment.docker.hold_dockerfile(spec.base_dockerfile)
    environment.python.conda_dependencies = (
        None if spec.conda is None else CondaDependencies.from_spec(spec.conda)
    )
    environment.origin = Origin(
        directory=spec.directory, files=spec.files, azureml_v2=spec.azureml_v2
    )


def make_spec(environment: Environment) -> EnvironmentSpec:
    """Return what *environment* says, frozen and checked.

    Raises:
        DefinitionError: an attribute holds what a definition can't; the error holds every finding.
    """
    report = Report(shorten(str(environment.name or "Environment")))
    document = to_document(environment)
    local = _find_local_context(environment.docker.build_context)
    if local is not None:
        document["docker"]["buildContext"] = None
    origin = environment.origin
    spec = read_environment(document, report, directory=origin.directory).spec
    conda = _make_conda(environment, report)
    if report.errors:
        raise DefinitionError.from_findings(list(map(_in_words_of_the_sdk, report.errors)))
    return replace(
        spec,
        files=origin.files,
        azureml_v2=origin.azureml_v2,
        conda=conda,
        build_context=local or spec.build_context,
    )


def _make_conda(environment: Environment, report: Report) -> CondaSpec | None:
    conda: object = environment.python.conda_dependencies
    if isinstance(conda, CondaDependencies):
        return conda.to_spec()
    if conda is not None:
        hint = "give a `CondaDependencies`, or None"
        report.error("python.condaDependencies", f"a {type(conda).__name__} is none", hint=hint)
    return None


def _find_local_context(context: object) -> BuildContext | None:
    """Return *context* if it is a folder, which the JSON of the SDK v1 can't say."""
    if not isinstance(context, DockerBuildContext) or context.location_type != "local":
        return None
    return BuildContext(
        location_type="local", location=context.location, dockerfile_path=context.dockerfile_path
    )


def _in_words_of_the_sdk(finding: Finding) -> Finding:
    """Return *finding* with its key path as attributes; names of variables stay."""
    head, dot, rest = finding.key_path.partition(".")
    if head != "environmentVariables":
        rest = _snake_case(rest)
    return replace(finding, key_path=f"{_snake_case(head)}{dot}{rest}")


def _snake_case(text: str) -> str:
    return re.sub(r"(?<=[a-z])[A-Z]", lambda match: "_" + match.group().lower(), text)
