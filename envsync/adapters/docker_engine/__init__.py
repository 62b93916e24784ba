"""Docker Engine, over the docker SDK; Podman's service answers the same requests."""

from envsync.adapters.docker_engine.connection import connect, connect_containers
from envsync.adapters.docker_engine.containers import (
    ContainerRequest,
    Containers,
    ContainerState,
)
from envsync.adapters.docker_engine.engine import DockerEngine
from envsync.adapters.docker_engine.image_source import EngineSource

__all__ = [
    "ContainerRequest",
    "ContainerState",
    "Containers",
    "DockerEngine",
    "EngineSource",
    "connect",
    "connect_containers",
]
