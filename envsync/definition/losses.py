"""What is lost when a definition is written in another format: said key by key."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from envsync.definition.azureml.keys import DATABRICKS, SPARK
from envsync.definition.azureml.v2 import V2_ONLY
from envsync.definition.reading.fields import default_of
from envsync.definition.requirement.pip_line import is_direct, parse_pip_option, strip_comment
from envsync.definition.targets import is_of_v1
from envsync.errors import Finding
from envsync.model.json_value import thaw
from envsync.model.text.redaction import quote
from envsync.remedy import Hint, Option, advise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from envsync.definition.reading.fields import Object
    from envsync.model.environment import EnvironmentSpec
    from envsync.model.json_value import JsonObject

_OF_THE_JOB = "give it to the job or deployment that runs in the environment"
_IMAGE_KEYS = ("docker.baseDockerfile", "docker.buildContext")
_PATH_OPTIONS = frozenset({"--requirement", "--constraint", "--editable", "--find-links"})


class _Key(NamedTuple):
    """A key by its name in v1 and elsewhere, what it holds, and where that may go instead."""

    v1: str
    other: str
    get: Callable[[EnvironmentSpec], Any]
    hint: str | None = None


def _section(value: JsonObject | None, kind: Object) -> Any:
    plain = thaw(value)
    return None if plain == default_of(kind) else plain


def _get_v2_only(key: str, spec: EnvironmentSpec) -> Any:
    return None if spec.azureml_v2 is None else dict(spec.azureml_v2.entries).get(key)


class _Change(NamedTuple):
    path: str
    message: str
    hint: Hint | None = None


_KEYS = (
    _Key("version", "version", lambda s: s.version),
    _Key(
        "environmentVariables",
        "variables",
        lambda s: s.environment_variables,
        "set them on the job or deployment: `environment_variables`",
    ),
    _Key("python.userManagedDependencies", "", lambda s: s.python.user_managed_dependencies),
    _Key("python.interpreterPath", "", lambda s: s.python.interpreter_path, "put it on the PATH"),
    _Key("python.condaDependenciesFile", "", lambda s: s.python.conda_dependencies_file),
    _Key("python.baseCondaEnvironment", "", lambda s: s.python.base_conda_environment),
    _Key("docker.enabled", "", lambda s: s.docker.enabled),
    _Key("docker.sharedVolumes", "", lambda s: s.docker.shared_volumes),
    _Key("docker.shmSize", "", lambda s: s.docker.shm_size, _OF_THE_JOB),
    _Key("docker.arguments", "", lambda s: s.docker.arguments, _OF_THE_JOB),
    _Key("docker.baseDockerfile", "", lambda s: s.base_dockerfile or None),
    _Key(
        "docker.buildContext.locationType",
        "build.path",
        lambda s: s.build_context and s.build_context.location_type,
    ),
    _Key(
        "docker.buildContext.location",
        "build.path",
        lambda s: s.build_context and s.build_context.location,
    ),
    _Key(
        "docker.buildContext.dockerfilePath",
        "build.dockerfile_path",
        lambda s: s.build_context and (s.build_context.dockerfile_path or None),
    ),
    _Key(
        "docker.baseImageRegistry",
        "",
        lambda s: s.registry,
        "let the workspace's identity pull from the registry",
    ),
    _Key("docker.platform.os", "os_type", lambda s: s.platform.os),
    _Key("docker.platform.architecture", "platform", lambda s: s.platform.architecture),
    _Key("spark", "", lambda s: _section(s.spark, SPARK), "use a Spark job or component"),
    _Key("databricks", "", lambda s: _section(s.databricks, DATABRICKS)),
    _Key("r", "", lambda s: s.r, "install R in the image or as conda packages"),
    _Key("inferencingStackVersion", "", lambda s: s.inferencing_stack_version),
    _Key("assetId", "", lambda s: s.asset_id),
    *(_Key(key, key, partial(_get_v2_only, key)) for key in V2_ONLY),
)


def find_losses(
    before: EnvironmentSpec, after: EnvironmentSpec, *, target: str
) -> tuple[Finding, ...]:
    """Return a warning for each key in which *after*, what *target* holds of *before*, differs.

    *target* names a format in a sentence. Values are not shown, but for names and images.
    """
    file = str(before.files[0] if before.files else before.directory)
    v1 = is_of_v1(before)
    said = {change.path: change for change in _find_changes(before, after, target, v1=v1)}
    becomes_dockerfile = bool(after.base_dockerfile) and before.build_context is not None
    for key in _KEYS:
        path = (key.v1 if v1 else key.other) or key.v1
        is_said = becomes_dockerfile and key.v1.startswith(_IMAGE_KEYS)
        if key.get(before) != key.get(after) and not is_said:
            said.setdefault(path, _Change(path, f"{target} has no place for this", key.hint))
    for unknown in before.unknown_keys:
        if unknown not in after.unknown_keys:
            path = ".".join(unknown.path)
            said.setdefault(path, _Change(path, f"{target} has no place for this"))
    return tuple(
        Finding(file=file, key_path=change.path, message=change.message, hint=change.hint)
        for change in said.values()
    )


def find_left_behind(spec: EnvironmentSpec, directory: Path) -> tuple[Finding, ...]:
    """Return a warning for each pip item whose path would lead nowhere from *directory*."""
    if spec.conda is None or directory.resolve() == spec.directory.resolve():
        return ()
    file = str(spec.files[-1] if spec.files else spec.directory)
    message = "starts at the definition's directory; what it names is not copied"
    return tuple(
        Finding(
            file=file, message=f"{quote(line)} {message}", hint="copy it, or put it on an index"
        )
        for line in (*spec.conda.pip_options, *spec.conda.pip_requirements)
        if _is_relative(strip_comment(line))
    )


def _find_changes(
    before: EnvironmentSpec, after: EnvironmentSpec, target: str, *, v1: bool
) -> Iterator[_Change]:
    """Yield what is written otherwise, or left out for a reason of its own."""
    if before.name != after.name:
        yield _Change("name", f"{target} needs a name, so {quote(after.name or '')} is written")
    if before.base_image != after.base_image:
        yield _describe_image(before, after, target, "docker.baseImage" if v1 else "image")
    if before.conda is not None and after.conda is None:
        yield _describe_conda(before, target, "python.condaDependencies" if v1 else "conda_file")
    context = before.build_context
    if context is not None and context.location_type == "local":
        if after.base_dockerfile:
            message = "`BaseDockerfile` holds its Dockerfile, nothing holds its other files"
            yield _Change("build.path", message, "check what the Dockerfile copies")
        elif after.build_context is not None and after.build_context != context:
            message = f"{quote(after.build_context.location or '')} is written"
            yield _Change("build.path", message, "write the files beside the source")


def _describe_image(
    before: EnvironmentSpec, after: EnvironmentSpec, target: str, path: str
) -> _Change:
    if after.base_image is None:
        return _Change(path, f"{target} has no place for this")
    written = f"{quote(after.base_image)} is written"
    if before.base_image is not None:
        return _Change(path, written)
    return _Change(
        path, f"no image is named, so {written}", advise("choose another with ", Option("image"))
    )


def _describe_conda(before: EnvironmentSpec, target: str, path: str) -> _Change:
    if before.python.user_managed_dependencies:
        message = "the dependencies are user-managed, so Azure ML does not use these"
        return _Change(path, f"{message}; they are left out")
    message = f"{target} takes conda dependencies only on top of an image"
    return _Change(path, message, "make the environment in the Dockerfile")


def _is_relative(line: str) -> bool:
    """Tell whether a pip item names a file by a path that starts at the definition."""
    if not line.startswith("-"):
        return is_direct(line) and "://" not in line and not line.startswith(("/", "~"))
    name, value = parse_pip_option(line)
    return name in _PATH_OPTIONS and "://" not in value and not value.startswith(("/", "~", "git+"))
