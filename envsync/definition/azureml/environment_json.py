"""`azureml_environment.json`, both ways, as azureml-core 1.61 has it (and every older release)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from envsync.definition.azureml.keys import DATABRICKS, ENVIRONMENT, SPARK
from envsync.definition.reading.fields import FieldReader, default_of
from envsync.model.environment import (
    BuildContext,
    DockerSettings,
    EnvironmentSpec,
    ImageRegistry,
    ManagedIdentity,
    OciPlatform,
    PythonSettings,
)
from envsync.model.environment_name import NAME_HINT, describe_name_fault, find_name_fault
from envsync.model.json_value import JsonObject, freeze, thaw
from envsync.model.text.redaction import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.definition.reading.report import Report


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentJson:
    """What the JSON says: *spec* without its conda side, and the inline one as it stands."""

    spec: EnvironmentSpec
    inline_conda: Any = field(repr=False)


def read_environment(value: Any, report: Report, *, directory: Path) -> EnvironmentJson:
    """Return the definition in *value*; what is wrong or odd goes to *report*."""
    if isinstance(value, dict) and value.keys() <= {"name", "version"}:
        report.error(
            "",
            "this is a reference to an environment in a workspace, not a definition",
            hint="download the definition with `Environment.get(...).save_to_directory(...)`",
            rule="not-a-definition",
        )
    reader = FieldReader(report)
    document = reader.read(value, ENVIRONMENT, "")
    if fault := find_name_fault(document["name"] or ""):
        report.error(
            "name",
            describe_name_fault(document["name"], fault),
            hint=NAME_HINT,
            rule="impossible-name",
        )
    _check_sources(document["docker"], report)
    _check_cluster(document["databricks"], report)
    python = document["python"]
    spec = EnvironmentSpec(
        name=document["name"],
        directory=directory,
        files=(),
        version=document["version"],
        environment_variables=tuple(document["environmentVariables"].items()),
        python=PythonSettings(
            user_managed_dependencies=python["userManagedDependencies"],
            interpreter_path=python["interpreterPath"],
            conda_dependencies_file=python["condaDependenciesFile"],
            base_conda_environment=python["baseCondaEnvironment"],
        ),
        spark=_freeze_section(document["spark"]),
        databricks=_freeze_section(document["databricks"]),
        r=_freeze_section(document["r"]),
        inferencing_stack_version=document["inferencingStackVersion"],
        asset_id=document["assetId"],
        unknown_keys=tuple(reader.unknown_keys),
        **_read_docker(document["docker"]),
    )
    return EnvironmentJson(spec=spec, inline_conda=python["condaDependencies"])


def dump_environment(spec: EnvironmentSpec) -> str:
    """Return the text of `azureml_environment.json` for *spec*, as the SDK writes it.

    The conda dependencies and the Dockerfile have files of their own and are not in it.
    """
    document = {
        "name": spec.name,
        "version": spec.version,
        "environmentVariables": dict(spec.environment_variables),
        "python": {
            "userManagedDependencies": spec.python.user_managed_dependencies,
            "interpreterPath": spec.python.interpreter_path,
            "condaDependenciesFile": spec.python.conda_dependencies_file,
            "baseCondaEnvironment": spec.python.base_conda_environment,
        },
        "docker": _dump_docker(spec),
        "spark": default_of(SPARK) if spec.spark is None else thaw(spec.spark),
        "databricks": default_of(DATABRICKS) if spec.databricks is None else thaw(spec.databricks),
        "r": thaw(spec.r),
        "inferencingStackVersion": spec.inferencing_stack_version,
        "assetId": spec.asset_id,
    }
    for unknown in spec.unknown_keys:
        _put(document, unknown.path, thaw(unknown.value))
    return json.dumps(document, indent=4)


def _read_docker(docker: dict[str, Any]) -> dict[str, Any]:
    registry, identity = (
        docker["baseImageRegistry"],
        docker["baseImageRegistry"]["registryIdentity"],
    )
    context = docker["buildContext"]
    return {
        "platform": OciPlatform(**docker["platform"]),
        "base_image": docker["baseImage"],
        "base_dockerfile": docker["baseDockerfile"],
        "build_context": None
        if context is None
        else BuildContext(
            location_type=context["locationType"],
            location=context["location"],
            dockerfile_path=context["dockerfilePath"],
        ),
        "registry": ImageRegistry(
            address=registry["address"],
            username=registry["username"],
            password=None if registry["password"] is None else Secret(registry["password"]),
            identity=None
            if identity is None
            else ManagedIdentity(
                resource_id=identity["resourceId"], client_id=identity["clientId"]
            ),
        ),
        "docker": DockerSettings(
            enabled=docker["enabled"],
            shared_volumes=docker["sharedVolumes"],
            shm_size=docker["shmSize"],
            arguments=tuple(docker["arguments"]),
        ),
    }


def _dump_docker(spec: EnvironmentSpec) -> dict[str, Any]:
    context, registry = spec.build_context, spec.registry
    identity, password = registry.identity, registry.password
    docker: dict[str, Any] = {
        "enabled": spec.docker.enabled,
        "baseImage": spec.base_image,
        "baseDockerfile": spec.base_dockerfile,
        "buildContext": None
        if context is None
        else {
            "locationType": context.location_type,
            "location": context.location,
            "dockerfilePath": context.dockerfile_path,
        },
        "sharedVolumes": spec.docker.shared_volumes,
        "shmSize": spec.docker.shm_size,
        "arguments": list(spec.docker.arguments),
        "baseImageRegistry": {
            "address": registry.address,
            "username": registry.username,
            "password": None if password is None else password.value,
            "registryIdentity": None
            if identity is None
            else {"resourceId": identity.resource_id, "clientId": identity.client_id},
        },
        "platform": {"os": spec.platform.os, "architecture": spec.platform.architecture},
    }
    if spec.base_dockerfile:
        del docker["baseDockerfile"]
    return docker


def _check_sources(docker: dict[str, Any], report: Report) -> None:
    """Refuse two answers to what the image starts from; the SDK would keep both."""
    named = [key for key in ("baseImage", "baseDockerfile", "buildContext") if docker[key]]
    if len(named) > 1:
        keys = " and ".join(f"`{key}`" for key in named)
        report.error(
            "docker",
            f"{keys} exclude each other",
            hint="keep one, set the rest to null",
            rule="contradiction",
        )


def _check_cluster(databricks: dict[str, Any], report: Report) -> None:
    """Check what the SDK checks, and say what it drops."""
    cluster = databricks.get("cluster")
    path = "databricks.cluster"
    if not isinstance(cluster, dict):
        if cluster is not None:
            report.error(path, "not an object", rule="wrong-type")
        return
    if cluster.get("existingClusterId") and any(
        value for key, value in cluster.items() if key != "existingClusterId"
    ):
        message = "with `existingClusterId` no other setting of the cluster can be there"
        report.error(
            path, message, hint="keep `existingClusterId` or the others", rule="contradiction"
        )
    report.warn(
        path, "azureml-core drops this key when it saves; envsync keeps it", rule="lost-by-sdk"
    )


def _freeze_section(section: dict[str, Any] | None) -> JsonObject | None:
    frozen = freeze(section)
    return frozen if isinstance(frozen, JsonObject) else None


def _put(document: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Put *value* at *path*, unless what it belonged to is gone."""
    level: Any = document
    for key in path[:-1]:
        level = level.get(key) if isinstance(level, dict) else None
    if isinstance(level, dict):
        level.setdefault(path[-1], value)
