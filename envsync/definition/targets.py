"""What of a definition each format can hold: the definition as reading it back would give it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from envsync.definition.azureml.runconfig import is_runconfig
from envsync.definition.azureml.v1 import JSON_NAME
from envsync.definition.azureml.v2 import guess_location_type, is_url
from envsync.definition.reading.report import Report
from envsync.definition.reading.source_file import read_source
from envsync.definition.reading.yaml_source import finish, resolve_inside
from envsync.errors import DefinitionError
from envsync.model.environment import EnvironmentSpec, OciPlatform, PythonSettings
from envsync.remedy import Option, advise
from envsync.yamlio import normalise_line_ends

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.model.environment import BuildContext

# What azureml-core 1.61 gives a new Environment, by its dated tag.
DEFAULT_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1"


def with_image(spec: EnvironmentSpec, image: str | None) -> EnvironmentSpec:
    """Return *spec* on top of *image*, None leaving it as it is.

    Raises:
        DefinitionError: *spec* has a Dockerfile or a build context, which makes the image.
    """
    if image is None:
        return spec
    if spec.base_dockerfile or spec.build_context is not None:
        raise DefinitionError(
            "The definition builds its image, so none can be named",
            hint=advise("leave ", Option("image"), " out"),
        )
    return replace(spec, base_image=image)


def hold_in_v1(spec: EnvironmentSpec) -> EnvironmentSpec:
    """Return what a v1 directory can hold of *spec*: all but the keys that only v2 has.

    A build context that is a folder is left with its Dockerfile. What never named an image gets
    the one that the SDK gives, as Azure ML has no default for a definition that it is sent.

    Raises:
        DefinitionError: the Dockerfile of the build context can't be read.
    """
    spec = replace(spec, azureml_v2=None)
    context = spec.build_context
    if context is not None and context.location_type == "local":
        text = _read_dockerfile(spec.directory, context)
        return replace(spec, build_context=None, base_dockerfile=text)
    needs_image = spec.conda is not None and not (spec.base_dockerfile or context)
    if needs_image and spec.base_image is None and not is_of_v1(spec):
        return replace(spec, base_image=DEFAULT_IMAGE)
    return spec


def hold_in_v2(spec: EnvironmentSpec, *, directory: Path) -> EnvironmentSpec:
    """Return what a v2 definition in *directory* can hold of *spec*.

    Conda dependencies stand there on top of an image only, and always count. A v1 Dockerfile
    becomes a build context of its own.

    Raises:
        DefinitionError: there is neither an image nor a build context that v2 takes.
    """
    context = _hold_context(spec, directory)
    builds = bool(spec.base_dockerfile) or context is not None
    user_managed = spec.python.user_managed_dependencies
    conda = None if builds or user_managed else spec.conda
    is_remote = context is not None and context.location_type != "local"
    names = (spec.name, spec.conda.name if spec.conda else None, spec.directory.resolve().name)
    return EnvironmentSpec(
        name=next((name for name in names if name and name.strip()), "environment"),
        version=spec.version or None,
        directory=spec.directory,
        files=spec.files,
        conda=conda,
        platform=OciPlatform(os="Windows" if spec.platform.os.lower() == "windows" else "Linux"),
        base_image=None if builds else _choose_image(spec, has_conda=conda is not None),
        base_dockerfile=spec.base_dockerfile or None,
        build_context=context,
        python=PythonSettings(user_managed_dependencies=conda is None and not is_remote),
        azureml_v2=spec.azureml_v2,
    )


def hold_in_environment_yml(spec: EnvironmentSpec) -> EnvironmentSpec:
    """Return what a conda environment file can hold of *spec*: the conda side and variables."""
    return EnvironmentSpec(
        name=spec.name,
        directory=spec.directory,
        files=spec.files,
        environment_variables=spec.environment_variables,
        conda=spec.conda,
    )


def is_of_v1(spec: EnvironmentSpec) -> bool:
    """Tell whether *spec* was read from a format of the SDK v1."""
    return any(path.name == JSON_NAME or is_runconfig(path) for path in spec.files[:1])


def _choose_image(spec: EnvironmentSpec, *, has_conda: bool) -> str:
    """Return the image reference with its registry in it, as v2 has no other place for that."""
    if spec.base_image_name:
        return spec.base_image_name
    if has_conda:
        return DEFAULT_IMAGE
    raise DefinitionError(
        f"`{spec.directory}` names no image, which a v2 definition needs",
        hint=advise("name the one that it is built on with ", Option("image")),
    )


def _hold_context(spec: EnvironmentSpec, directory: Path) -> BuildContext | None:
    context = spec.build_context
    if context is None:
        return None
    location = context.location or ""
    if context.location_type == "local":
        if directory.resolve() != spec.directory.resolve():
            location = str((spec.directory / location).resolve())
        return replace(context, location=location)
    if not is_url(location):
        raise DefinitionError(
            f"`{spec.directory}`: docker.buildContext.location: v2 takes only an http address here",
            hint="give the repository's `https://` address",
        )
    return replace(
        context,
        location_type=guess_location_type(location),
        dockerfile_path=context.dockerfile_path or None,
    )


def _read_dockerfile(directory: Path, context: BuildContext) -> str:
    name = f"{context.location}/{context.dockerfile_path or 'Dockerfile'}"
    report = Report(str(directory / name))
    path = resolve_inside(directory, name, report, "build.path")
    error = finish(report)
    if path is None or error is not None:
        raise error or DefinitionError(f"`{name}` cannot be read")
    return normalise_line_ends(read_source(path, report))
