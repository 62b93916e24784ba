"""An environment definition, normalised."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.model.json_value import Json, JsonObject
    from envsync.model.text.redaction import Secret

# As in Docker, the first part of an image reference that is a host.
_HOST = re.compile(r"(?:localhost|[^/]*[.:][^/]*)/")
_ADDRESS = re.compile(r"(?:\w+://)?(?:(?P<host>[^/]+)/v[12]|(?P<place>.*?))/*")


@dataclass(frozen=True, kw_only=True, slots=True)
class CondaSpec:
    """The conda part of a definition, as in `conda_dependencies.yml`.

    *match_specs*, *pip_requirements* and *pip_options* keep the order and the spelling of the
    file; several pip sections become one. *text* is the YAML itself, which keeps the comments;
    if it differs from the fields, the fields count.
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
    """The OCI platform of a definition, spelled as in its file (`Linux`, `amd64`)."""

    os: str = "Linux"
    architecture: str = "amd64"


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonSettings:
    """The `python` section, without the conda dependencies.

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
    """The managed identity that pulls the base image."""

    resource_id: str | None = None
    client_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageRegistry:
    """The registry of a private base image, with its credentials."""

    address: str | None = None
    username: str | None = field(default=None, repr=False)
    password: Secret | None = None
    identity: ManagedIdentity | None = None

    @property
    def place(self) -> str:
        """The prefix of its image names: the address without scheme and version."""
        match = _ADDRESS.fullmatch((self.address or "").strip())
        return (match["host"] or match["place"]) if match is not None else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildContext:
    """A Docker build context that replaces the base image.

    A `local` context, which only v2 definitions have, is a folder relative to the definition.
    """

    location_type: Literal["git", "storageAccount", "local"]
    location: str | None = field(default=None, repr=False)
    dockerfile_path: str | None = "Dockerfile"


@dataclass(frozen=True, kw_only=True, slots=True)
class UnknownKey:
    """A key that no SDK knows, kept in its place; *path* starts at the top of the file."""

    path: tuple[str, ...]
    value: Json = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentSpec:
    """A definition of any format.

    Relative paths start at *directory*; *files* are the files it was read from, including the
    conda file. At most one of *base_image*, *base_dockerfile* and *build_context* is set. *spark*,
    *databricks* and *r* are kept but not used; None stands for the SDK's defaults. *azureml_v2*
    has the keys that only v2 definitions have, such as `tags`.
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
        """The directory where relative paths under `pip:` start: as in conda, that of the file."""
        holders = [file for file in self.files[-1:] if file.suffix in {".yml", ".yaml"}]
        return holders[0].parent if holders else self.directory

    @property
    def base_image_name(self) -> str:
        """The full name of the base image with its registry; empty if there is no base image."""
        image = (self.base_image or "").strip()
        place = self.registry.place
        if not image or not place or _HOST.match(image):
            return image
        return f"{place}/{image.lstrip('/')}"
