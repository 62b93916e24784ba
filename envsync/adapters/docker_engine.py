"""Docker Engine, over the docker SDK."""

from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import docker
from docker.constants import DEFAULT_DOCKER_API_VERSION
from docker.errors import DockerException, ImageNotFound
from packaging.version import Version

from envsync.errors import EnvsyncError
from envsync.process import Completed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_DEFAULT_HOST = "unix:///var/run/docker.sock"
_CONNECT_SECONDS = 10
_WORK_SECONDS = 600
_NO_ENGINE_HINT = (
    "start Docker or set `DOCKER_HOST`; `envsync build-local` without `--docker` needs none"
)

_NO_PERMISSION_HINT = "add your user to the `docker` group, or run as root"
_ANY_VERSION = "1.24"  # the question of which to speak has no version in its address


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineVersion:
    """What an engine says it is."""

    version: str
    api_version: str
    oci_platform: str


class DockerEngine:
    """A connection to one engine; make it with `connect`."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client

    def version(self) -> EngineVersion:
        """Return the engine's version, its API's and its OCI platform."""
        with _translated("asked for its version"):
            facts = self._client.version()
        return EngineVersion(
            version=facts["Version"],
            api_version=facts["ApiVersion"],
            oci_platform=f"{facts['Os']}/{facts['Arch']}",
        )

    def find_image(self, reference: str) -> str | None:
        """Return the id of the image that *reference* names, or None if the engine has none."""
        with _translated(f"asked for `{reference}`"):
            try:
                return str(self._client.images.get(reference).id)
            except ImageNotFound:
                return None

    def import_root(self, archive: Path, reference: str) -> str:
        """Make the tar *archive* of a root file system an image; return the image's id.

        *reference* (`name:tag`) is moved to it.
        """
        repository, _, tag = reference.partition(":")
        with _translated(f"given `{archive}` to import"):
            self._client.api.import_image(str(archive), repository=repository, tag=tag or "latest")
            return str(self._client.images.get(reference).id)

    def run(
        self,
        image: str,
        command: Sequence[str],
        *,
        read_only: Mapping[Path, str],
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run *command* in a new container of *image* to its end, and remove the container.

        There is no network. *read_only* maps directories of this machine to where the container
        sees them. The status is the caller's to judge.
        """
        volumes = {str(path): {"bind": place, "mode": "ro"} for path, place in read_only.items()}
        with _translated(f"asked to run `{image}`"):
            container = self._client.containers.create(
                image,
                list(command),
                network_mode="none",
                volumes=volumes,
                environment=dict(env or {}),
            )
            try:
                container.start()
                status = int(container.wait()["StatusCode"])
                stdout = container.logs(stdout=True, stderr=False)
                stderr = container.logs(stdout=False, stderr=True)
            finally:
                container.remove(force=True)
        return Completed(
            status=status,
            stdout=stdout.decode(errors="replace"),
            stderr=stderr.decode(errors="replace"),
        )


@contextlib.contextmanager
def connect() -> Iterator[DockerEngine]:
    """Connect to the engine that `DOCKER_HOST` names, or to this machine's.

    Raises:
        EnvsyncError: no engine answers there.
    """
    host = os.environ.get("DOCKER_HOST") or _DEFAULT_HOST
    message = f"Cannot reach the Docker daemon at `{host}`"
    try:
        _knock(host)
        api_version = _negotiate()
        client = docker.from_env(version=api_version, timeout=_WORK_SECONDS)
    except PermissionError as error:
        raise EnvsyncError(message, hint=_NO_PERMISSION_HINT) from error
    except (DockerException, OSError, ValueError) as error:
        raise EnvsyncError(message, hint=_NO_ENGINE_HINT) from error
    with contextlib.closing(client):
        yield DockerEngine(client)


def _knock(host: str) -> None:
    """Open and close the socket of *host*, if it is one: the SDK hides why it can't, and leaks."""
    if not host.startswith("unix://"):
        return
    with socket.socket(socket.AF_UNIX) as knocking:
        knocking.settimeout(_CONNECT_SECONDS)
        knocking.connect(host.removeprefix("unix://"))


def _negotiate() -> str:
    """Return the newest API version that both the SDK and the engine speak."""
    with contextlib.closing(docker.from_env(version=_ANY_VERSION, timeout=_CONNECT_SECONDS)) as it:
        engine = str(it.api.version(api_version=False)["ApiVersion"])
    return min(engine, DEFAULT_DOCKER_API_VERSION, key=Version)


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    """Say which request failed, and the engine's own reason."""
    try:
        yield
    except (DockerException, OSError) as error:  # the SDK lets its transport's errors through
        reason = getattr(error, "explanation", None) or error
        raise EnvsyncError(f"Docker Engine, {what}, failed: {reason}") from error
