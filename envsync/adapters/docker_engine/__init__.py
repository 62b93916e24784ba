"""Docker Engine, over the docker SDK; Podman's service answers the same requests."""

from envsync.adapters.docker_engine.connection import connect
from envsync.adapters.docker_engine.engine import DockerEngine, EngineVersion
from envsync.adapters.docker_engine.image_source import EngineSource

__all__ = ["DockerEngine", "EngineSource", "EngineVersion", "connect"]
