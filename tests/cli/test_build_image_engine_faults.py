from __future__ import annotations

import gc
import threading
import time
from typing import TYPE_CHECKING

import pytest
from support.servers.engines import run_engine, why_not

from envsync.adapters.docker_engine import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Done
    from support.servers.engines import OwnEngine

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

_BUILD = ("build-local", "d", "--docker", "--base", "base.tar", "--tag", "half:1")
_GONE = "check with `docker info` that it runs, then run this again; finished parts are kept"
_FULL = "free some space for it, such as with `docker system prune`, and run this again"


@pytest.fixture
def own_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnEngine]:
    if lack := why_not():
        pytest.skip(lack)
    with run_engine() as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.host)
        yield engine


def find(reference: str) -> str | None:
    with connect() as engine:
        return engine.find_image(reference)


def list_left(engine: OwnEngine) -> list[Path]:
    """Return what lies where *engine* keeps images that are on their way to it."""
    return list((engine.data / "tmp").iterdir())


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_an_engine_that_dies_half_way_keeps_no_half_image(
    locked: Callable[..., Done], own_engine: OwnEngine
) -> None:
    def kill_when_busy() -> None:
        while not list_left(own_engine):
            time.sleep(0.005)
        own_engine.kill()

    killer = threading.Thread(target=kill_when_busy)
    killer.start()
    broken = locked(*_BUILD)
    killer.join()
    gc.collect()  # the docker package lets go of a connection that broke without closing it
    away = locked(*_BUILD)
    own_engine.start()
    between = find("half:1")
    again = locked(*_BUILD, "--print-id")

    assert broken.status == 1
    assert broken.stderr.splitlines()[-2:] == [
        "Error: Docker Engine, given an image to load, hung up",
        f"Hint: {_GONE}",
    ]
    assert away.stderr.startswith("Error: Cannot reach the Docker daemon at ")
    assert between is None
    assert again.status == 0, again.stderr
    assert "Writing layers" not in again.stderr
    assert find("half:1") == again.stdout.strip()


def test_an_engine_without_room_says_so_and_keeps_nothing(
    locked: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    if lack := why_not():
        pytest.skip(lack)
    with run_engine(disk="60m") as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.host)
        done = locked(*_BUILD)
        found, left = find("half:1"), list_left(engine)

    assert done.status == 1
    error, hint = done.stderr.splitlines()[-2:]
    assert error.startswith("Error: Docker Engine, given an image to load, failed: ")
    assert error.endswith("no space left on device")
    assert hint == f"Hint: {_FULL}"
    assert (found, left) == (None, [])


def test_without_an_engine_nothing_is_made_in_vain(
    locked: Callable[..., Done], private_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    done = locked(*_BUILD, "--output", "image.tar")

    assert (done.status, done.stderr.count("Error: "), done.stderr.count("Hint: ")) == (1, 1, 1)
    assert not (private_home / ".envsync/cache/layers").exists()
