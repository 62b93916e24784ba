from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING

import pytest
from support.servers.engines import find_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Done

    from envsync.adapters.docker_engine import DockerEngine

pytestmark = [pytest.mark.e2e, pytest.mark.docker]


def test_a_base_of_the_engine_goes_out_by_every_way(
    build: Callable[..., Done], tmp_path: Path
) -> None:
    if not shutil.which("skopeo"):
        pytest.skip("needs skopeo")
    expected = build("--output", "image.tar", "--oci", "layout", "--print-id").stdout.strip()

    for place in ("docker-archive:image.tar", "oci:layout:1"):
        inspect = ["skopeo", "inspect", "--raw", place]
        raw = subprocess.run(inspect, cwd=tmp_path, capture_output=True, check=True).stdout
        assert json.loads(raw)["config"]["digest"] == expected


def test_what_was_pushed_is_pulled_and_runs(
    locked: Callable[..., Done],
    base_image: str,
    registry: str,
    docker_engine: DockerEngine,
) -> None:
    name = f"{registry}/team/d:1"
    done = locked("build-local", "d", "--base", base_image, "--push", name, "--print-id")
    pull = ["docker", "pull", "--quiet", name]
    subprocess.run(pull, check=True, capture_output=True)
    found = find_config(docker_engine, name)
    ran = docker_engine.run(name, ["python", "-c", "import six, idna; print(1)"], read_only={})
    docker_engine.remove(name)

    assert done.status == 0, done.stderr
    assert found == done.stdout.strip()
    assert (ran.stdout, ran.status) == ("1\n", 0), ran.stderr


def test_skopeo_brings_a_layout_to_the_engine_as_the_same_image(
    build: Callable[..., Done], tag: str, docker_engine: DockerEngine
) -> None:
    if not shutil.which("skopeo"):
        pytest.skip("needs skopeo")
    expected = build("--oci", "layout", "--print-id").stdout.strip()
    docker_engine.remove(tag)
    copy = ["skopeo", "copy", "--quiet", "oci:layout:1", f"docker-archive:x.tar:{tag}"]
    subprocess.run(copy, check=True, capture_output=True)
    load = ["docker", "load", "--input", "x.tar"]
    subprocess.run(load, check=True, capture_output=True)
    ran = docker_engine.run(tag, ["python", "-c", "import six, idna; print(1)"], read_only={})

    assert find_config(docker_engine, tag) == expected
    assert (ran.stdout, ran.status) == ("1\n", 0), ran.stderr


@pytest.mark.parametrize(
    ("option", "target", "way"),
    [("--output", "image.tar", "docker-archive:image.tar"), ("--oci", "layout", "oci:layout:1")],
    ids=["archive", "layout"],
)
def test_podman_takes_what_was_written_and_runs_it(
    build: Callable[..., Done], podman: list[str], option: str, target: str, way: str
) -> None:
    expected = build(option, target, "--print-id").stdout.strip()
    pull = [*podman, "pull", "--quiet", way]
    pulled = subprocess.run(pull, check=True, capture_output=True, text=True).stdout.strip()
    command = ["python", "-c", "import six, idna; print(1)"]
    run = [*podman, "run", "--rm", "--network=none", pulled, *command]
    done = subprocess.run(run, check=False, capture_output=True, text=True)

    assert f"sha256:{pulled}" == expected
    assert (done.stdout, done.returncode) == ("1\n", 0), done.stderr


@pytest.fixture
def podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Return the start of a command of podman's, whose images are this test's own."""
    if not shutil.which("podman"):
        pytest.skip("needs podman")
    path = tmp_path / "containers.conf"
    # It would raise limits, which a sandbox may forbid.
    path.write_text('[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n')
    monkeypatch.setenv("CONTAINERS_CONF", str(path))
    with tempfile.TemporaryDirectory(prefix="podman-", dir="/tmp") as name:  # its paths are short
        # What is not said lies in places that other tests' Podmans share, and clear away.
        storage = ["--root", f"{name}/storage", "--runroot", f"{name}/run"]
        storage += ["--tmpdir", f"{name}/libpod"]
        command = ["podman", *storage, "--cgroup-manager=cgroupfs", "--runtime=runc"]
        yield command
        reset = [*command, "system", "reset", "--force"]
        subprocess.run(reset, check=False, capture_output=True)


def test_podmans_own_service_takes_the_image(
    locked: Callable[..., Done],
    base_image: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    podman: list[str],
) -> None:
    saved = locked("build-local", "d", "--base", base_image, "--output", "image.tar", "--print-id")
    address = f"unix://{tmp_path}/podman.sock"
    service = [*podman, "system", "service", "--time=0", address]
    with subprocess.Popen(service, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(100):
                if (tmp_path / "podman.sock").exists():
                    break
                time.sleep(0.1)
            monkeypatch.setenv("DOCKER_HOST", address)
            arguments = ["build-local", "d", "--docker", "--base", "image.tar", "--tag", "two:1"]
            first = locked(*arguments)
            second = locked(*arguments)
        finally:
            process.terminate()

    assert saved.status == 0, saved.stderr
    assert first.status == 0, first.stderr
    assert "nothing to do, the image is there" in second.stderr
