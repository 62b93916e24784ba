"""The `python` and `docker` sections of an environment, with the names of the SDK."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from envsync.definition.reading.report import Report
from envsync.definition.reading.source_file import read_source
from envsync.definition.targets import DEFAULT_IMAGE
from envsync.errors import DefinitionError
from envsync.model.text.redaction import quote
from envsync.sdk.environment.conda_dependencies import CondaDependencies
from envsync.sdk.environment.document import HIDDEN, OF, Section
from envsync.yamlio import normalise_line_ends

DEFAULT_CPU_IMAGE = DEFAULT_IMAGE
DEFAULT_GPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04"

# The start of the image: at most one of these is set.
_SOURCES = ("base_image", "base_dockerfile", "build_context")


@dataclass(slots=True)
class PythonSection(Section):
    """The Python of the environment.

    With *user_managed_dependencies* the Python at *interpreter_path* is used as it is, and
    envsync creates no environment.
    """

    conda_dependencies: CondaDependencies | None = field(
        default_factory=CondaDependencies, metadata={HIDDEN: True}
    )
    user_managed_dependencies: bool = False
    interpreter_path: str = "python"
    conda_dependencies_file: str | None = None
    base_conda_environment: str | None = None


@dataclass(slots=True)
class RegistryIdentity(Section):
    """The managed identity that pulls the base image."""

    resource_id: str | None = None
    client_id: str | None = None


@dataclass(slots=True)
class ContainerRegistry(Section):
    """The registry of a private base image; its password is saved as clear text, as in the SDK."""

    address: str | None = None
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    registry_identity: RegistryIdentity | None = field(
        default=None, metadata={OF: RegistryIdentity}
    )


@dataclass(slots=True)
class DockerImagePlatform(Section):
    """The OCI platform of the image."""

    os: str = "Linux"
    architecture: str = "amd64"


class LocationType(str, Enum):
    """The kind of place where a build context is stored."""

    Git = "git"
    StorageAccount = "storageAccount"


@dataclass(slots=True)
class DockerBuildContext(Section):
    """A Docker build context that replaces the base image."""

    location_type: str | None = None
    location: str | None = field(default=None, repr=False)
    dockerfile_path: str | None = "Dockerfile"

    LocationType = LocationType


@dataclass(slots=True)
class DockerSection(Section):
    """The base of the image, and the settings of its containers.

    Setting one of *base_image*, *base_dockerfile* and *build_context* unsets the other two.
    A Dockerfile is given as text or as the path of a file; a value with more than one line, or
    one that begins with `FROM`, is text.
    """

    enabled: bool = False
    base_image: str | None = DEFAULT_CPU_IMAGE
    base_dockerfile: str | None = field(default=None, repr=False)
    build_context: DockerBuildContext | None = field(
        default=None, metadata={OF: DockerBuildContext}
    )
    shared_volumes: bool = True
    shm_size: str | None = "2g"
    arguments: list[str] = field(default_factory=list, repr=False)
    base_image_registry: ContainerRegistry = field(default_factory=ContainerRegistry)
    platform: DockerImagePlatform = field(default_factory=DockerImagePlatform)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "base_dockerfile" and value:
            self.hold_dockerfile(read_dockerfile(value))
            return
        if name in _SOURCES and value:
            self._drop_sources()
        object.__setattr__(self, name, value)

    @property
    def gpu_support(self) -> bool:
        """Always false: GPU support depends on the base image."""
        return False

    @gpu_support.setter
    def gpu_support(self, _wanted: bool) -> None:
        message = "`docker.gpu_support` has no effect; choose a base image with CUDA"
        warnings.warn(message, stacklevel=3)

    def hold_dockerfile(self, text: str) -> None:
        """Set *base_dockerfile* to *text*, which is never read as a path."""
        self._drop_sources()
        object.__setattr__(self, "base_dockerfile", text)

    def _drop_sources(self) -> None:
        for source in _SOURCES:
            object.__setattr__(self, source, None)


def read_dockerfile(dockerfile: str | os.PathLike[str]) -> str:
    """Return the text of *dockerfile*, given as text or as the path of a file.

    Raises:
        DefinitionError: it is neither.
    """
    given: object = dockerfile
    if not isinstance(given, (str, os.PathLike)):
        found = type(given).__name__
        raise DefinitionError(f"{found} where a Dockerfile should be", hint="give text or a path")
    if isinstance(dockerfile, str) and _is_text(dockerfile):
        return normalise_line_ends(dockerfile)
    path = Path(dockerfile)
    if isinstance(dockerfile, str) and not path.exists():
        raise DefinitionError(
            f"{quote(dockerfile)} is neither a file nor the text of a Dockerfile",
            hint="a Dockerfile's text begins with `FROM`, or has more than one line",
        )
    return normalise_line_ends(read_source(path, Report(str(path))))


def _is_text(dockerfile: str) -> bool:
    stripped = dockerfile.strip()
    return "\n" in stripped or "\r" in stripped or stripped[:5].upper() in {"FROM ", "FROM\t"}
