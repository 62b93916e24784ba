from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from channel import Served
    from conftest import Done

    from envsync.adapters.docker_engine import DockerEngine

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

_NO_ENGINE = (
    "start Docker or set `DOCKER_HOST`; `envsync build-local` without `--docker` needs none"
)
SPECS = Path(__file__).resolve().parents[2] / "specs"


@pytest.fixture
def tag(tmp_path: Path, docker_engine: DockerEngine) -> Iterator[str]:
    """Return a tag that is this test's own, and remove its image afterwards."""
    name = f"envsync-test/{tmp_path.name.replace('_', '-')[-60:].strip('-')}:1"
    yield name
    docker_engine.remove(name)


@pytest.fixture
def build(locked: Callable[..., Done], tag: str, base_image: str) -> Callable[..., Done]:
    """Return the command that loads the image of `d`, upon a bare Debian, into the engine."""

    def run(*more: str) -> Done:
        return locked("build-local", "d", "--docker", "--tag", tag, "--base", base_image, *more)

    return run


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "envsync", *arguments]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_the_image_runs_its_python_with_the_network_off(
    build: Callable[..., Done], tag: str, docker_engine: DockerEngine
) -> None:
    code = (
        "import os, socket, sys, six, idna\n"
        "assert [name for _, name in socket.if_nameindex()] == ['lo']\n"
        "print(six.__version__, idna.__version__, sys.prefix, os.environ['GREETING'])\n"
    )
    built = build("--print-id")
    done = docker_engine.run(tag, ["python", "-c", code], read_only={})

    assert built.status == 0, built.stderr
    assert docker_engine.find_image(tag) == built.stdout.strip()
    assert (done.stderr, done.stdout) == ("", "1.17.0 3.10 /azureml-envs/d hello\n")


def test_console_scripts_of_conda_and_pip_packages_run(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    channel: Served,
    tag: str,
    base_image: str,
    docker_engine: DockerEngine,
) -> None:
    del channel
    define("python", "pip", pip=("httpx[cli]==0.28.1",))
    assert envsync("lock", "d").status == 0
    options = ("--docker", "--tag", tag, "--base", base_image)
    assert envsync("build-local", "d", *options).status == 0
    versions = docker_engine.run(tag, ["sh", "-c", "pip --version; httpx --help"], read_only={})

    assert versions.status == 0, versions.stderr
    assert "from /azureml-envs/d/lib/" in versions.stdout
    assert "httpx" in versions.stdout


def test_the_image_scores_a_request(
    envsync: Callable[..., Done],
    channel: Served,
    tag: str,
    base_image: str,
    docker_engine: DockerEngine,
    tmp_path: Path,
) -> None:
    del channel
    folder = tmp_path / "diabetes"
    kept = shutil.ignore_patterns("model", "conda-lock.yml", "__pycache__")
    shutil.copytree(SPECS / "sklearn-diabetes", folder, ignore=kept)
    assert envsync("lock", "diabetes").status == 0
    assert envsync("build-local", "diabetes").status == 0
    assert envsync("run", "diabetes", "python", "diabetes/train.py").status == 0
    options = ("--docker", "--tag", tag, "--base", base_image)
    built = envsync("build-local", "diabetes", *options)
    code = (
        "import json, score\n"
        "score.init()\n"
        "result = score.run(open('/model/sample-request.json').read())\n"
        "print(json.dumps(result))\n"
    )
    done = docker_engine.run(
        tag,
        ["python", "-c", code],
        read_only={folder: "/model"},
        env={"AZUREML_MODEL_DIR": "/model/model", "PYTHONPATH": "/model"},
    )

    assert built.status == 0, built.stderr
    assert done.status == 0, done.stderr
    expected = json.loads((folder / "expected-response.json").read_text())
    assert json.loads(done.stdout) == pytest.approx(expected["result"])


def test_a_second_run_says_so_and_a_lost_tag_is_put_back(
    build: Callable[..., Done], tag: str, docker_engine: DockerEngine
) -> None:
    first = build("--print-id").stdout.strip()
    second = build("--tag", f"{tag}-too")
    docker_engine.remove(tag)
    third = build()
    docker_engine.remove(f"{tag}-too")

    assert "Docker Engine: 0 new layers" in second.stderr
    assert docker_engine.find_image(tag) == first
    assert "Docker Engine: 0 new layers" in third.stderr
    assert "nothing to do, the image is there" in build().stderr


def test_a_change_to_one_package_loads_what_lies_above_it_and_no_more(
    build: Callable[..., Done],
    locked: Callable[..., Done],
    define: Callable[..., Path],
    tag: str,
    docker_engine: DockerEngine,
) -> None:
    build()
    define("python", "six=1.16", pip=("idna==3.10",), environmentVariables={"GREETING": "hello"})
    assert locked("lock", "d").status == 0
    done = build()
    version = docker_engine.run(
        tag, ["python", "-c", "import six; print(six.__version__)"], read_only={}
    )

    assert "Docker Engine: 1 new layer (" in done.stderr
    assert version.stdout == "1.16.0\n"


def test_a_build_that_is_killed_leaves_the_old_image_under_the_tag(
    build: Callable[..., Done],
    locked: Callable[..., Done],
    define: Callable[..., Path],
    tag: str,
    base_image: str,
    docker_engine: DockerEngine,
) -> None:
    old = build("--print-id").stdout.strip()
    define("python", "numpy", "six=1.16", pip=("idna==3.10",))
    assert locked("lock", "d").status == 0
    seen = set()
    for delay in (0.4, 0.8, 1.2, 1.6, 2.0):
        process = start("build-local", "d", "--docker", "--tag", tag, "--base", base_image)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        seen.add(docker_engine.find_image(tag))
    new = build("--print-id").stdout.strip()

    assert seen <= {old, new}
    assert docker_engine.find_image(tag) == new
    done = docker_engine.run(tag, ["python", "-c", "import numpy, six"], read_only={})
    assert done.status == 0, done.stderr


def test_two_builds_of_one_tag_at_a_time_end_in_one_whole_image(
    locked: Callable[..., Done], tag: str, base_image: str, docker_engine: DockerEngine
) -> None:
    del locked
    command = ("build-local", "d", "--docker", "--tag", tag, "--base", base_image, "--print-id")
    processes = [start(*command), start(*command)]
    outputs = [process.communicate() for process in processes]

    assert [process.returncode for process in processes] == [0, 0], outputs
    assert {stdout.strip() for stdout, _ in outputs} == {docker_engine.find_image(tag)}
    done = docker_engine.run(tag, ["python", "-c", "import six"], read_only={})
    assert done.status == 0, done.stderr


def test_builds_of_two_locks_under_one_tag_leave_one_whole_image(
    locked: Callable[..., Done],
    define: Callable[..., Path],
    tmp_path: Path,
    tag: str,
    base_image: str,
    docker_engine: DockerEngine,
) -> None:
    (tmp_path / "d").rename(tmp_path / "e")
    define("python", "six=1.16", pip=("idna==3.10",))
    assert locked("lock", "d").status == 0
    options = ("--docker", "--tag", tag, "--base", base_image, "--name", "d", "--print-id")
    processes = [start("build-local", name, *options) for name in ("d", "e", "d", "e")]
    outputs = [process.communicate() for process in processes]

    assert [process.returncode for process in processes] == [0] * 4, outputs
    ids = {stdout.strip() for stdout, _ in outputs}
    assert len(ids) == 2
    assert docker_engine.find_image(tag) in ids
    done = docker_engine.run(tag, ["python", "-c", "import six, idna"], read_only={})
    assert done.status == 0, done.stderr


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


def test_podman_takes_the_archive_and_runs_it(
    build: Callable[..., Done], tag: str, podman: list[str]
) -> None:
    assert build("--output", "image.tar").status == 0
    load = [*podman, "load", "-q", "-i", "image.tar"]
    subprocess.run(load, check=True, capture_output=True)
    run = [*podman, "run", "--rm", "--network=none", tag, "python", "-c", "import six; print(1)"]
    done = subprocess.run(run, check=False, capture_output=True, text=True)

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
        storage = ["--root", f"{name}/storage", "--runroot", f"{name}/run"]
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


def test_a_dockerfile_of_the_definition_is_built_upon(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    channel: Served,
    tag: str,
    base_image: str,
    docker_engine: DockerEngine,
) -> None:
    del channel
    definition = define("python", docker={})
    (definition / "BaseDockerfile").write_text(f"FROM {base_image}\nENV BUILT=yes\n")
    assert envsync("lock", "d").status == 0
    done = envsync("build-local", "d", "--docker", "--tag", tag)
    said = docker_engine.run(
        tag, ["python", "-c", "import os; print(os.environ['BUILT'])"], read_only={}
    )

    assert done.status == 0, done.stderr
    assert said.stdout == "yes\n"


_SETTLED_BASE = """
FROM {base}
LABEL kept=yes org.opencontainers.image.title=other org.opencontainers.image.vendor=other
ENV A=b PATH=/opt/bin:/usr/bin:/bin
WORKDIR /srv
USER 0:0
EXPOSE 5001
ENTRYPOINT ["/usr/bin/env"]
"""
_LOOK = """
find /azureml-envs -printf '%p %m %U %G %T@ %s %l\\n' | sort
find /azureml-envs -type f -exec sha256sum {} + | sort
find / -xdev -path /proc -prune -o -path /sys -prune -o -printf '%p %m %U %G %y %l\\n' | sort
env | grep -v HOSTNAME | sort
"""


@pytest.fixture
def settled_base(tmp_path: Path, base_image: str, docker_engine: DockerEngine) -> Iterator[str]:
    """Return an image that says much of itself, with the files of the bare Debian."""
    (tmp_path / "base").mkdir()
    (tmp_path / "base/Dockerfile").write_text(_SETTLED_BASE.format(base=base_image))
    name = f"envsync-test/{tmp_path.name.replace('_', '-')[-50:].strip('-')}-base:1"
    command = ["docker", "build", "--quiet", "--tag", name, str(tmp_path / "base")]
    subprocess.run(command, check=True, capture_output=True)
    yield name
    docker_engine.remove(name)


def test_a_docker_context_builds_the_same_file_system_and_settings(
    locked: Callable[..., Done],
    define: Callable[..., Path],
    tag: str,
    settled_base: str,
    docker_engine: DockerEngine,
) -> None:
    variables = {"GREETING": "say \"$HOME\" \\ 'so'", "EMPTY": "", "with space": "ä"}
    define("python", "six=1.17", pip=("idna==3.10",), environmentVariables=variables)
    built = locked("build-local", "d", "--docker", "--tag", tag, "--base", settled_base)
    done = locked("save-to-directory", "--docker-context", "--image", settled_base, "d", "new/it")
    other = f"{tag}-built"
    command = ["docker", "build", "--network=none", "--quiet", "--tag", other, "new/it"]
    subprocess.run(command, check=True, capture_output=True)
    one, two = (docker_engine.run(it, ["sh", "-c", _LOOK], read_only={}) for it in (tag, other))
    direct, by_file = (docker_engine.inspect(it) or {} for it in (tag, other))
    docker_engine.remove(other)

    assert (built.status, done.status) == (0, 0), done.stderr
    assert one.stdout.count("\n") > 10_000
    assert one.stdout == two.stdout
    said, built_upon = _settings(direct), _settings(by_file)
    assert built_upon["Labels"].pop("org.opencontainers.image.vendor") == ""  # can't be taken away
    assert said == built_upon
    assert said["Env"][-3:] == ["GREETING=say \"$HOME\" \\ 'so'", "EMPTY=", "with space=ä"]
    assert said["WorkingDir"] == "/srv"


def _settings(facts: dict[str, Any]) -> dict[str, Any]:
    """Return what an engine's *facts* of an image say to those who run it."""
    names = ("Env", "Cmd", "Entrypoint", "WorkingDir", "User", "ExposedPorts", "Labels")
    return {name: facts["Config"].get(name) for name in names}


def test_a_docker_context_cannot_hold_a_line_break(
    locked: Callable[..., Done], define: Callable[..., Path], base_image: str, tmp_path: Path
) -> None:
    define("python", "six=1.17", pip=("idna==3.10",), environmentVariables={"MANY": "a\nb"})
    done = locked("save-to-directory", "--docker-context", "--image", base_image, "d", "context")

    assert done.status == 2
    assert "Error: `MANY` has a line break, which a Dockerfile can't hold\n" in done.stderr
    assert list(tmp_path.glob("*context*")) == []


def test_a_docker_context_is_not_written_over_anything(
    locked: Callable[..., Done], base_image: str, tmp_path: Path
) -> None:
    options = ["save-to-directory", "--docker-context", "--image", base_image, "d"]
    assert locked(*options, "context").status == 0
    again, over = locked(*options, "context"), locked(*options, "context", "--overwrite")
    other = locked(*options, "d", "--overwrite")

    assert (again.status, over.status, other.status) == (1, 0, 1)
    assert again.stderr.startswith("Error: `context` is there already\n")
    assert other.stderr.startswith("Error: `d` is there and is no Docker context of envsync's\n")
    assert [path.name for path in tmp_path.glob(".context*")] == []


def test_no_engine_is_said_with_its_hint(
    locked: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    done = locked("build-local", "d", "--docker", "--base", "base.tar")

    assert done.status == 1
    assert done.stderr.splitlines()[-2:] == [
        f"Error: Cannot reach the Docker daemon at `unix://{tmp_path}/none.sock`",
        f"Hint: {_NO_ENGINE}",
    ]
