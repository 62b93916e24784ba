"""The attributes of an environment, and their conversion to a frozen definition and back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.definition.azureml.environment_json import dump_environment, read_environment
from envsync.definition.reading.report import Report
from envsync.errors import DefinitionError, Finding
from envsync.model.environment import BuildContext
from envsync.model.text.redaction import shorten
from envsync.sdk.environment.conda_dependencies import CondaDependencies
from envsync.sdk.environment.document import HIDDEN, OF, Section, fill, to_document
from envsync.sdk.environment.libraries import DatabricksSection, RSection, SparkSection
from envsync.sdk.environment.sections import DockerBuildContext, DockerSection, PythonSection

if TYPE_CHECKING:
    from envsync.model.environment import CondaSpec, EnvironmentSpec
    from envsync.model.json_value import JsonObject


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentOrigin:
    """Where an environment comes from, and the parts of its definition without an attribute.

    Relative paths start at *directory*. *source* is the definition on disk that the environment
    was loaded from or saved to, None if there is none. *warnings* are those of loading it.
    """

    directory: Path = Path()
    files: tuple[Path, ...] = ()
    azureml_v2: JsonObject | None = None
    source: Path | None = None
    warnings: tuple[Finding, ...] = ()


@dataclass(slots=True, eq=False, repr=False)
class EnvironmentAttributes(Section):
    """The attributes of an environment, named as in the SDK."""

    name: str | None
    version: str | None = field(default=None, init=False)
    environment_variables: dict[str, str] = field(default_factory=dict, init=False)
    python: PythonSection = field(default_factory=PythonSection, init=False)
    docker: DockerSection = field(default_factory=DockerSection, init=False)
    spark: SparkSection = field(default_factory=SparkSection, init=False)
    databricks: DatabricksSection = field(default_factory=DatabricksSection, init=False)
    r: RSection | None = field(default=None, init=False, metadata={OF: RSection})
    inferencing_stack_version: str | None = field(default=None, init=False)
    asset_id: str | None = field(default=None, init=False)
    origin: EnvironmentOrigin = field(
        default=EnvironmentOrigin(), init=False, metadata={HIDDEN: True}
    )

    def _fill(self, spec: EnvironmentSpec) -> None:
        """Set the attributes of a new environment to those of *spec*."""
        document = json.loads(dump_environment(spec))
        document["docker"].pop("baseDockerfile", None)
        fill(self, document)
        if spec.base_dockerfile is not None:
            self.docker.hold_dockerfile(spec.base_dockerfile)
        self.python.conda_dependencies = (
            None if spec.conda is None else CondaDependencies.from_spec(spec.conda)
        )
        self.origin = EnvironmentOrigin(
            directory=spec.directory, files=spec.files, azureml_v2=spec.azureml_v2
        )

    def to_spec(self) -> EnvironmentSpec:
        """Return a frozen, checked copy.

        Raises:
            DefinitionError: a definition can't hold the value of an attribute; the error has every
                finding.
        """
        report = Report(shorten(str(self.name or "Environment")))
        document = to_document(self)
        local = _find_local_context(self.docker.build_context)
        if local is not None:
            document["docker"]["buildContext"] = None
        origin = self.origin
        spec = read_environment(document, report, directory=origin.directory).spec
        conda = _make_conda(self, report)
        if report.errors:
            raise DefinitionError.from_findings(list(map(_in_words_of_the_sdk, report.errors)))
        return replace(
            spec,
            files=origin.files,
            azureml_v2=origin.azureml_v2,
            conda=conda,
            build_context=local or spec.build_context,
        )


def _make_conda(environment: EnvironmentAttributes, report: Report) -> CondaSpec | None:
    conda: object = environment.python.conda_dependencies
    if isinstance(conda, CondaDependencies):
        return conda.to_spec()
    if conda is not None:
        hint = "give a `CondaDependencies`, or None"
        report.error("python.condaDependencies", f"a {type(conda).__name__} is not one", hint=hint)
    return None


def _find_local_context(context: object) -> BuildContext | None:
    """Return *context* if it is a folder, which the JSON format of the SDK v1 can't express."""
    if not isinstance(context, DockerBuildContext) or context.location_type != "local":
        return None
    return BuildContext(
        location_type="local", location=context.location, dockerfile_path=context.dockerfile_path
    )


def _in_words_of_the_sdk(finding: Finding) -> Finding:
    """Return *finding* with attribute names in its key path; names of variables stay."""
    head, dot, rest = finding.key_path.partition(".")
    if head != "environmentVariables":
        rest = _snake_case(rest)
    return replace(finding, key_path=f"{_snake_case(head)}{dot}{rest}")


def _snake_case(text: str) -> str:
    return re.sub(r"(?<=[a-z])[A-Z]", lambda match: "_" + match.group().lower(), text)
