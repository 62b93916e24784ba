from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from support.servers.registries import digest_of, run_scripted

from envsync.errors import DefinitionError, EnvsyncError
from envsync.model.image import parse_reference
from envsync.workflow.lock.base.digest import DigestFinder

if TYPE_CHECKING:
    from pathlib import Path

    from support.servers.registries import Answer

DIGEST = digest_of(b"x")


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


def tell(method: str, path: str, earlier: int) -> Answer:
    del method, path, earlier
    return 200, {"Docker-Content-Digest": DIGEST}, b"{}"


def hang(method: str, path: str, earlier: int) -> None:
    del method, path, earlier


def test_an_image_is_asked_for_once() -> None:
    with run_scripted(tell) as server:
        digests = DigestFinder({})
        reference = parse_reference(f"{server.address}/a:1")
        found = [digests.start(reference, None).result(5).digest for _ in range(3)]

        assert found == [DIGEST] * 3
        assert server.requests.count("HEAD /v2/a/manifests/1") == 1


def test_a_registry_that_did_not_answer_in_time_is_not_asked_for_another_image() -> None:
    with run_scripted(hang) as server:
        digests = DigestFinder({"ENVSYNC_REGISTRY_TIMEOUT": "0.3"})
        for name in ("a", "b"):
            answer = digests.start(parse_reference(f"{server.address}/{name}:1"), None)
            with pytest.raises(EnvsyncError, match=r"no answer within 0\.3 s"):
                answer.result(5)

        assert not [request for request in server.requests if "/b/" in request]


@pytest.mark.slow
def test_a_registry_that_drips_is_left_in_time() -> None:
    """Each of its answers comes before the client's patience with one ends."""

    def drip(method: str, path: str, earlier: int) -> Answer:
        del method, path, earlier
        time.sleep(0.5)
        return 503, {"Retry-After": "0"}, b""

    with run_scripted(drip) as server:
        digests = DigestFinder({"ENVSYNC_REGISTRY_TIMEOUT": "0.6"})
        start = time.monotonic()
        with pytest.raises(EnvsyncError, match="no answer within"):
            digests.start(parse_reference(f"{server.address}/a:1"), None).result(5)

        assert time.monotonic() - start < 1.5


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(DefinitionError, match="and not a number of seconds"):
        DigestFinder({"ENVSYNC_REGISTRY_TIMEOUT": text}).start(parse_reference("a:1"), None)


def test_a_remote_engine_is_not_asked_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    with run_scripted(tell) as server:
        host = f"tcp://{server.address}"
        monkeypatch.setenv("DOCKER_HOST", host)
        digests = DigestFinder({"DOCKER_HOST": host}, offline=True)
        with pytest.raises(EnvsyncError, match="`--offline` asks no registry"):
            digests.start(parse_reference("a:1"), None).result(5)

        assert server.requests == []
