"""An environment definition, normalised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class CondaSpec:
    """The conda side of a definition: what `conda_dependencies.yml` asks for.

    *match_specs*, *pip_requirements* and *pip_options* keep the order and the spelling of the
    file. *text* is the YAML itself, so that comments survive being saved.
    """

    name: str | None = None
    channels: tuple[str, ...] = ()
    match_specs: tuple[str, ...] = ()
    pip_requirements: tuple[str, ...] = ()
    pip_options: tuple[str, ...] = ()
    has_pip_section: bool = False
    variables: tuple[tuple[str, str], ...] = ()
    prefix: str | None = None
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class OciPlatform:
    """The Docker platform of a definition, in the words of its file (`Linux`, `amd64`)."""

    os: str = "Linux"
    architecture: str = "amd64"


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentSpec:
    """A definition, whatever format it came from.

    *directory* is where relative paths of the definition start; *files* are those it was read
    from, the conda file included.
    """

    name: str | None
    directory: Path
    files: tuple[Path, ...]
    version: str | None = None
    environment_variables: tuple[tuple[str, str], ...] = ()
    conda: CondaSpec | None = None
    platform: OciPlatform = OciPlatform()
    base_image: str | None = None
