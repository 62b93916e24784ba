"""Containers of services: created, filled, started, watched and removed."""

from __future__ import annotations

import contextlib
import io
import tarfile
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from docker.errors import APIError, NotFound
from docker.types import LogConfig

from envsync.adapters.docker_engine.failure import translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from docker import DockerClient

LOOPBACK = "127.0.0.1"
_Statuses = list[int]  # `list` is a method below
_CONFLICT = 409
_DEBUG_PORT = "envsync.debug-port"
_TRIES, _PAUSE = 200, 0.05  # seconds
_LIMITED = ("json-file", "local")
_LOG_LIMITS = {"max-size": "16m", "max-file": "4"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerRequest:
    """A container to create; its *port* is published on loopback as *published*, 0 for any.

    A *debug_port* is published under the same number. An *attached* container has a stdin, and the
    engine removes it once it ends.
    """

    name: str
    image: str
    command: tuple[str, ...]
    port: int
    published: int
    directory: str
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    shm_size: str | None = None
    debug_port: int | None = None
    attached: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerState:
    """The state of a container; *status* is Docker's (`created`, `running`…)."""

    id: str
    name: str
    status: str
    exit_status: int
    published: int | None
    labels: Mapping[str, str]


class Containers:
    """The containers of the engine that *client* speaks with."""

    def __init__(self, client: DockerClient) -> None:
        self._client = client
        self._api: Any = client.api  # its types are incomplete

    @property
    def is_here(self) -> bool:
        """Whether the engine is on this machine, so that its published ports are, too."""
        address = urlsplit(str(self._api.base_url))
        if address.scheme == "http+docker":
            return address.hostname != "ssh"
        return address.hostname in {"localhost", LOOPBACK, "::1"}

    def create(self, request: ContainerRequest) -> str:
        """Create a container without starting it; return its id."""
        with translated(f"asked for a container of `{request.image}`"):
            ports = {request.port: (LOOPBACK, request.published or None)}
            labels = dict(request.labels)
            if request.debug_port is not None:
                ports[request.debug_port] = (LOOPBACK, request.debug_port)
                labels[_DEBUG_PORT] = str(request.debug_port)
            settings = self._api.create_host_config(
                port_bindings=ports,
                auto_remove=request.attached,
                log_config=self._limit_log(),
                shm_size=request.shm_size,
            )
            made = self._api.create_container(
                request.image,
                command=[],
                entrypoint=list(request.command),
                environment=dict(request.environment),
                healthcheck={"test": ["NONE"]},
                host_config=settings,
                labels=labels,
                name=request.name,
                ports=list(ports),
                stdin_open=request.attached,
                stop_signal="SIGTERM",
                working_dir=request.directory,
            )
            return str(made["Id"])

    def _limit_log(self) -> LogConfig | None:
        """Return the limits of a container's log, so that it can't fill the disk.

        None leaves that to the engine: other drivers have no files, or no such options.
        """
        driver = self._api.info().get("LoggingDriver")
        return LogConfig(type=driver, config=dict(_LOG_LIMITS)) if driver in _LIMITED else None

    def fill(self, container: str, archive: Iterator[bytes]) -> None:
        """Unpack the tar *archive* in the container's root folder."""
        with translated("given files for a container"):
            self._api.put_archive(container, "/", archive)

    def read_link(self, container: str, path: str) -> str | None:
        """Return the target of the link at *path*, None if there is none."""
        with translated(f"asked for `{path}` of a container"):
            try:
                chunks, _ = self._api.get_archive(container, path)
            except NotFound:
                return None
            with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
                member = archive.next()
        return member.linkname if member is not None and member.issym() else None

    def start(self, container: str) -> None:
        """Start the container."""
        with translated("asked to start a container"):
            self._api.start(container)

    def stop(self, container: str, *, grace: int) -> None:
        """Stop the container; kill it after *grace* seconds."""
        with translated("asked to stop a container"), contextlib.suppress(NotFound):
            self._api.stop(container, timeout=grace)

    def send(self, container: str, signal: str) -> None:
        """Send *signal* to the container's process, if it runs."""
        with translated("asked to signal a container"):
            try:
                self._api.kill(container, signal)
            except APIError as error:
                if error.status_code != _CONFLICT:
                    raise

    def remove(self, container: str) -> None:
        """Remove the container, if it exists, and return when it is gone."""
        with translated("asked to remove a container"):
            for _ in range(_TRIES):
                if self._is_removed(container):
                    return
                time.sleep(_PAUSE)

    def _is_removed(self, container: str) -> bool:
        try:
            self._api.remove_container(container, force=True, v=True)
        except NotFound:
            return True
        except APIError as error:
            if error.status_code != _CONFLICT:
                raise
            return False  # another removal is in progress
        return True

    def rename(self, container: str, name: str) -> None:
        """Rename the container to *name*."""
        with translated(f"asked to rename a container to `{name}`"):
            self._api.rename(container, name)

    def keep_running(self, container: str) -> None:
        """Let the engine restart the container when it ends or when the engine restarts.

        Podman before version 5 has no such request, and does nothing.
        """
        with translated("asked to keep a container running"), contextlib.suppress(NotFound):
            self._api.update_container(container, restart_policy={"Name": "unless-stopped"})

    def find(self, name: str) -> ContainerState | None:
        """Return the container with the name or id *name*, None if there is none."""
        with translated(f"asked for the container `{name}`"):
            try:
                return _parse_state(self._api.inspect_container(name))
            except NotFound:
                return None

    def list(self, label: str) -> tuple[ContainerState, ...]:
        """Return every container with *label* (`key` or `key=value`), by name."""
        with translated("asked for its containers"):
            listed = self._api.containers(all=True, filters={"label": label})
        found = (self.find(str(item["Id"])) for item in listed)
        return tuple(
            sorted((each for each in found if each is not None), key=lambda each: each.name)
        )

    def read_log(self, container: str, *, tail: int | None = None) -> bytes:
        """Return the container's output, or its last *tail* lines."""
        with translated("asked for a container's log"):
            text = self._api.logs(container, tail="all" if tail is None else tail)
            return bytes(text)

    def follow_log(self, container: str, *, tail: int | None = None) -> Iterator[bytes]:
        """Yield the container's output so far and then live, until it ends."""
        with translated("asked for a container's log"):
            count = "all" if tail is None else tail
            yield from self._api.logs(container, stream=True, follow=True, tail=count)

    def run_attached(self, container: str, on_output: Callable[[bytes, bytes], None]) -> int:
        """Start the container, pass on its output (stdout, stderr), and return its exit status.

        Its stdin closes when this process ends.
        """
        with translated("asked to run a container"), contextlib.ExitStack() as stack:
            stdin = self._api.attach_socket(container, params={"stdin": 1, "stream": 1})
            stack.callback(stdin.close)
            output = self._api.attach(
                container, stdout=True, stderr=True, stream=True, logs=True, demux=True
            )
            ended: _Statuses = []
            waiting = threading.Thread(target=self._wait, args=(container, ended), daemon=True)
            waiting.start()
            self._api.start(container)
            for stdout, stderr in output:
                on_output(stdout or b"", stderr or b"")
            waiting.join()
            return ended[0] if ended else 1

    def _wait(self, container: str, ended: _Statuses) -> None:
        with contextlib.suppress(APIError, OSError):
            found = self._api.wait(container, timeout=None, condition="next-exit")
            ended.append(int(found["StatusCode"]))


def _parse_state(facts: Mapping[str, Any]) -> ContainerState:
    ports = (facts.get("NetworkSettings") or {}).get("Ports") or {}
    asked = (facts.get("HostConfig") or {}).get("PortBindings") or {}
    labels = dict((facts.get("Config") or {}).get("Labels") or {})
    aside = f"{labels.get(_DEBUG_PORT)}/tcp"
    bounds = [bound for found in (ports, asked) for port, bound in found.items() if port != aside]
    both = [each for bound in bounds for each in bound or ()]
    published = [int(each["HostPort"]) for each in both if int(each.get("HostPort") or 0)]
    state = facts["State"]
    return ContainerState(
        id=str(facts["Id"]),
        name=str(facts["Name"]).removeprefix("/"),
        status=str(state["Status"]),
        exit_status=int(state.get("ExitCode") or 0),
        published=published[0] if published else None,
        labels=labels,
    )
