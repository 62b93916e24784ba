from __future__ import annotations

import contextlib

import pytest
from docker import DockerClient

from envsync.adapters.docker_engine import Containers


@pytest.mark.parametrize(
    ("address", "is_here"),
    [
        ("unix:///var/run/docker.sock", True),
        ("tcp://127.0.0.1:2375", True),
        ("tcp://localhost:2375", True),
        ("tcp://[::1]:2375", True),
        ("tcp://192.0.2.1:2375", False),
        ("tcp://engine.example.com:2376", False),
    ],
)
def test_an_engine_of_another_machine_is_known(address: str, is_here: bool) -> None:  # noqa: FBT001  # a table
    with contextlib.closing(DockerClient(base_url=address, version="1.41")) as client:
        assert Containers(client).is_here is is_here
