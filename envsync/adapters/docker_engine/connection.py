"""Finding a Docker engine, or saying why there is none."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

import docker
from docker.constants import DEFAULT_DOCKER_API_VERSION
from docker.context import ContextAPI
from docker.context.config import get_current_context_name
from docker.errors import DockerException
from packaging.version import Version

from envsync.adapters.docker_engine.containers import Containers
from envsync.adapters.docker_engine.engine import DockerEngine
from envsync.errors import EnvsyncError
from envsync.remedy import Option, Step, advise

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEFAULT_HOST = "unix:///var/run/docker.sock"
_CONNECT_SECONDS = 10
_WORK_SECONDS = 600
_NO_ENGINE_HINT = advise(
    "start Docker or set `DOCKER_HOST`; ",
    Step("build-local"),
    " without ",
    Option("docker"),
    " needs no engine",
)
_NO_PERMISSION_HINT = "add your user to the `docker` group, or run as root"
_ANY_VERSION = "1.24"  # the request that asks for the version must name one


@contextlib.contextmanager
def connect() -> Iterator[DockerEngine]:
    """Connect to the engine of `DOCKER_HOST`, of Docker's current context, or of this machine.

    Raises:
        EnvsyncError: no engine answers there.
    """
    with _open_client() as client:
        yield DockerEngine(client)


@contextlib.contextmanager
def connect_containers() -> Iterator[Containers]:
    """Connect as `connect` does, to the engine's containers."""
    with _open_client() as client:
        yield Containers(client)


@contextlib.contextmanager
def _open_client() -> Iterator[docker.DockerClient]:
    host = os.environ.get("DOCKER_HOST") or _find_host_of_context() or _DEFAULT_HOST
    message = f"Cannot reach the Docker daemon at `{host}`"
    try:
        _knock(host)
        environ = {**os.environ, "DOCKER_HOST": host}
        api_version = _negotiate(environ)
        client = docker.from_env(version=api_version, timeout=_WORK_SECONDS, environment=environ)
    except PermissionError as error:
        raise EnvsyncError(message, hint=_NO_PERMISSION_HINT) from error
    except (DockerException, OSError, ValueError) as error:
        raise EnvsyncError(message, hint=_NO_ENGINE_HINT) from error
    with contextlib.closing(client):
        yield client


def _knock(host: str) -> None:
    """Open and close the socket of *host*, as the SDK hides why it can't, and leaks."""
    if not host.startswith("unix://"):
        return
    with socket.socket(socket.AF_UNIX) as knocking:
        knocking.settimeout(_CONNECT_SECONDS)
        knocking.connect(host.removeprefix("unix://"))


def _find_host_of_context() -> str | None:
    """Return the address of Docker's current context, which rootless Docker and others set."""
    name = os.environ.get("DOCKER_CONTEXT") or get_current_context_name()
    if name in ("", "default"):
        return None
    try:
        context = ContextAPI.get_context(name)
        return str(context.Host)
    except Exception as error:  # the SDK raises bare ones
        raise EnvsyncError(
            f"Docker's context `{name}` can't be read",
            hint="choose another with `docker context use`, or set `DOCKER_HOST`",
        ) from error


def _negotiate(environ: dict[str, str]) -> str:
    """Return the newest API version that both the SDK and the engine speak."""
    client = docker.from_env(version=_ANY_VERSION, timeout=_CONNECT_SECONDS, environment=environ)
    with contextlib.closing(client) as it:
        engine = str(it.api.version(api_version=False)["ApiVersion"])
    return min(engine, DEFAULT_DOCKER_API_VERSION, key=Version)
