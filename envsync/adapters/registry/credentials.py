"""Who to be to a registry: the definition's user, or the one that `docker login` knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import docker.auth
from docker.errors import DockerException

from envsync.errors import EnvsyncError
from envsync.model.image import DEFAULT_REGISTRY, DOCKER_HUB

if TYPE_CHECKING:
    from envsync.model.environment import ImageRegistry


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """A user and a password, or a token that stands for both; none of them for nobody."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


def find_credentials(registry: str, definition: ImageRegistry | None) -> Credentials:
    """Return who to be to *registry*: as *definition* says, else as Docker's configuration does.

    Raises:
        EnvsyncError: Docker's configuration, or a credential helper that it names, fails.
    """
    place = definition.place if definition is not None else ""
    host = place.partition("/")[0]
    named = DEFAULT_REGISTRY if host in DOCKER_HUB else host
    if definition is not None and definition.username and named in ("", registry):
        password = definition.password.value if definition.password is not None else ""
        return Credentials(username=definition.username, password=password)
    try:
        found = docker.auth.load_config().resolve_authconfig(_docker_name(registry))
    except DockerException as error:
        raise EnvsyncError(
            f"Docker's configuration gives no credentials for `{registry}`: {error}",
            hint=f"run `docker login {registry}` again",
        ) from error
    entry = found or {}
    return Credentials(
        username=entry.get("username") or entry.get("Username") or "",
        password=entry.get("password") or entry.get("Password") or "",
        identity_token=entry.get("identitytoken") or entry.get("IdentityToken") or "",
    )


def _docker_name(registry: str) -> str:
    return docker.auth.INDEX_NAME if registry == DEFAULT_REGISTRY else registry
