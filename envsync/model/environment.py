"""An environment definition, normalised."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.model.json_value import Json, JsonObject
    from envsync.model.text.redaction import Secret

# How Docker tells the host in an image reference from the first part of a name.
_HOST = re.compile(r"(?:localhost|[^/]*[.:][^/]*)/")
_ADDRESS = re.compile(r"(?:\w+://)?(?:(?P<host>[^/]+)/v[12]|(?P<place>.*?))/*")


@dataclass(frozen=True, kw_only=True, slots=True)
class CondaSpec:
    """The conda side of a definition: what `conda_dependencies.yml` asks for.

    *match_specs*, *pip_requirements* and *pip_options* keep the order and the spelling of the
    file; several pip sections are one here. *text* is the YAML itself, so that comments survive
    being saved; where it says something else than the fields, the fields count.
    """

    name: str | None = None
    channels: tuple[str, ...] = field(default=(), repr=False)
    match_specs: tuple[str, ...] = ()
    pip_requirements: tuple[str, ...] = field(default=(), repr=False)
    pip_options: tuple[str, ...] = field(default=(), repr=False)
    has_pip_section: bool = False
    variables: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    prefix: str | None = None
    text: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class OciPlatform:
    """The Docker platform of a definition, in the words of its file (`Linux`, `amd64`)."""

    os: str = "Linux"
    architecture: str = "amd64"


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonSettings:
    """What the `python` section says besides the conda dependencies.

    With *user_managed_dependencies* the Python at *interpreter_path* is used as it is.
    """

    user_managed_dependencies: bool = False
    interpreter_path: str = "python"
    conda_dependencies_file: str | None = None
    base_conda_environment: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DockerSettings:
    """The runtime settings of the `docker` section."""

    enabled: bool = False
    shared_volumes: bool = True
    shm_size: str | None = None
    arguments: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ManagedIdentity:
    """The managed identity that may pull the base image."""

    resource_id: str | None = None
    client_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageRegistry:
    """Where a private base image comes from, and with which credentials."""

    address: str | None = None
    username: str | None = field(default=None, repr=False)
    password: Secret | None = None
    identity: ManagedIdentity | None = None

    @property
    def place(self) -> str:
        """What the names of its images start with: the address without scheme and version."""
        match = _ADDRESS.fullmatch((self.address or "").strip())
        return (match["host"] or match["place"]) if match is not None else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildContext:
    """A Docker build context that stands in place of a base image.

    A `local` one, which only v2 definitions have, is a folder; its path starts at the definition.
    """

    location_type: Literal["git", "storageAccount", "local"]
    location: str | None = field(default=None, repr=False)
    dockerfile_path: str | None = "Dockerfile"


@dataclass(frozen=True, kw_only=True, slots=True)
class UnknownKey:
    """A key that no SDK knows, kept where it stood; *path* starts at the top of the file."""

    path: tuple[str, ...]
    value: Json = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentSpec:
    """A definition, whatever format it came from.

    *directory* is where relative paths of the definition start; *files* are those it was read
    from, the conda file included. At most one of *base_image*, *base_dockerfile* and
    *build_context* is there. *spark*, *databricks* and *r* are kept, not acted upon; None stands
    for the SDK's defaults. *azureml_v2* are the keys that only a v2 definition has, `tags` for one.
    """

    name: str | None
    directory: Path
    files: tuple[Path, ...]
    version: str | None = None
    environment_variables: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    conda: CondaSpec | None = None
    platform: OciPlatform = OciPlatform()
    base_image: str | None = None
    base_dockerfile: str | None = field(default=None, repr=False)
    build_context: BuildContext | None = None
    registry: ImageRegistry = ImageRegistry()
    python: PythonSettings = PythonSettings()
    docker: DockerSettings = DockerSettings()
    spark: JsonObject | None = None
    databricks: JsonObject | None = None
    r: JsonObject | None = None
    inferencing_stack_version: str | None = None
    asset_id: str | None = None
    azureml_v2: JsonObject | None = None
    unknown_keys: tuple[UnknownKey, ...] = ()

    @property
    def pip_directory(self) -> Path:
        """Where relative paths under `pip:` start: at the file that has them, as for conda."""
        holders = [file for file in self.files[-1:] if file.suffix in {".yml", ".yaml"}]
        return holders[0].parent if holders else self.directory

    @property
    def base_image_name(self) -> str:
        """The whole name of the base image, its registry's address included; empty for none."""
        image = (self.base_image or "").strip()
        place = self.registry.place
        if not image or not place or _HOST.match(image):
            return image
        return f"{place}/{image.lstrip('/')}"
