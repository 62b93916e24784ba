"""Credentials for a registry: the definition's, or those of `docker login` or `.netrc`."""

from __future__ import annotations

import contextlib
import netrc
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.model.image import DEFAULT_REGISTRY, DOCKER_HUB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envsync.model.environment import ImageRegistry

_FILES = ("config.json", ".dockercfg")
_LONGEST = 64 << 10  # characters of a token


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """A user and a password, or a token in their place; all empty for anonymous access."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


def find_credentials(registry: str, definition: ImageRegistry | None) -> Credentials:
    """Return the credentials for *registry*: from *definition*, Docker's configuration or `.netrc`.

    Raises:
        EnvsyncError: Docker's configuration, or a credential helper that it names, fails.
    """
    place = definition.place if definition is not None else ""
    host = place.partition("/")[0]
    named = DEFAULT_REGISTRY if host in DOCKER_HUB else host
    if definition is not None and definition.username and named in ("", registry):
        password = definition.password.value if definition.password is not None else ""
        return Credentials(username=definition.username, password=password)
    found = _find_in_docker(registry) if _has_docker_configuration() else Credentials()
    return found if found != Credentials() else _find_in_netrc(registry)


def _find_in_netrc(registry: str) -> Credentials:
    """Return what `.netrc` has for exactly this *registry*; its `default` is ignored."""
    names = sorted(DOCKER_HUB) if registry == DEFAULT_REGISTRY else [registry]
    try:
        home = Path.home()
        places = [Path(it) for it in (os.environ.get("NETRC"),) if it]
        places = places or [home / ".netrc", home / "_netrc"]
        hosts = next((netrc.netrc(it).hosts for it in places if it.is_file()), {})
    except (OSError, RuntimeError, ValueError, netrc.NetrcParseError):
        return Credentials()
    for name in names:
        if name in hosts:
            username, _, password = hosts[name]
            return Credentials(username=username or "", password=password or "")
    return Credentials()


def _has_docker_configuration() -> bool:
    """Look where Docker's SDK looks, without importing it, which takes 20 ms."""
    folders = [Path(os.environ["DOCKER_CONFIG"])] if os.environ.get("DOCKER_CONFIG") else []
    with contextlib.suppress(RuntimeError):  # a user without a home
        folders += [Path.home() / ".docker", Path.home()]
    return any((folder / name).is_file() for folder in folders for name in _FILES)


def _find_in_docker(registry: str) -> Credentials:
    import docker.auth  # noqa: PLC0415  # only where there is something for it to read
    from docker.errors import DockerException  # noqa: PLC0415

    docker_name = docker.auth.INDEX_NAME if registry == DEFAULT_REGISTRY else registry
    try:
        found = docker.auth.load_config().resolve_authconfig(docker_name) or {}
        return Credentials(
            username=_read(found, "username", "Username"),
            password=_read(found, "password", "Password"),
            identity_token=_read(found, "identitytoken", "IdentityToken"),
        )
    except DockerException as error:
        raise _explain(registry, str(error)) from error
    except (AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError) as error:
        raise _explain(registry, "an entry or a helper's output has an unknown form") from error


def _read(entry: Mapping[str, object], *names: str) -> str:
    value = next((entry[name] for name in names if entry.get(name)), "")
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise ValueError("a user, a password or a token is a text of bounded length")
    return value


def _explain(registry: str, reason: str) -> EnvsyncError:
    return EnvsyncError(
        f"Docker's configuration has no usable credentials for `{registry}`: {reason}",
        hint=f"run `docker login {registry}` again",
    )
