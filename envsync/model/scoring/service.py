"""A deployed entry script: its files and its status."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from envsync.errors import DefinitionError

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal["process", "container"]
State = Literal["deploying", "running", "failed", "deleted", "unknown"]

_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_OTHER = re.compile(r"[^a-z0-9]+")
_SHORTEST, _LONGEST = 3, 32


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedModel:
    """The file or folder *path*, and its *place* below the app root.

    A model that was not named by the user was found in the folder *within*, and its links must
    stay in that folder.
    """

    place: str
    path: Path
    within: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AppFiles:
    """The files of a service on this machine: the script, its source folder, its models.

    Without a *source* only the script is deployed. *model_dir* is below the app root. Links that
    lead out of the source or of a model are followed with *follows_links*. The size of the source
    is not limited with *allows_large*.
    """

    entry_script: Path
    source: Path | None = None
    models: tuple[PlacedModel, ...] = ()
    model_dir: str = "azureml-models"
    follows_links: bool = False
    allows_large: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceStatus:
    """The status of a service; *port* is None if it has none at present.

    *exit_status* is the status of its process, if that has ended.
    """

    name: str
    kind: Kind
    state: State
    port: int | None
    lock_digest: str | None = None
    exit_status: int | None = None

    @property
    def scoring_uri(self) -> str | None:
        """The address for requests."""
        return None if self.port is None else f"http://localhost:{self.port}/score"


def is_service_name(name: str) -> bool:
    """Return whether Azure ML accepts *name* for a service."""
    return _SHORTEST <= len(name) <= _LONGEST and _NAME.fullmatch(name) is not None


def check_service_name(name: str) -> str:
    """Return *name* if Azure ML accepts it for a service.

    Raises:
        DefinitionError: it does not.
    """
    if not is_service_name(name):
        raise DefinitionError(
            f"`{name}` can't be the name of a service",
            hint=f"use {_SHORTEST} to {_LONGEST} of `a-z`, `0-9` and `-`, a letter first and "
            f"no `-` last, such as `{suggest_service_name(name)}`",
        )
    return name


def suggest_service_name(text: str) -> str:
    """Return the valid name for a service that is closest to *text*."""
    name = _OTHER.sub("-", text.lower()).strip("-")
    if not name[:1].isalpha() or len(name) < _SHORTEST:
        name = f"service-{name}".strip("-")
    return name[:_LONGEST].rstrip("-")
