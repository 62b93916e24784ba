from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.servers.engines import find_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from channel import Served
    from conftest import Done

    from envsync.adapters.docker_engine import DockerEngine

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

_NO_ENGINE = (
    "start Docker or set `DOCKER_HOST`; `envsync build-local` without `--docker` needs no engine"
)
SPECS = Path(__file__).resolve().parents[2] / "specs"


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "envsync", *arguments]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def build_together(*commands: Iterable[str]) -> set[str]:
    """Run all *commands* at once; return the ids that they printed."""
    processes = [start(*command) for command in commands]
    outputs = [process.communicate() for process in processes]

    assert [process.returncode for process in processes] == [0] * len(processes), outputs
    return {stdout.strip() for stdout, _ in outputs}


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
    assert find_config(docker_engine, tag) == built.stdout.strip()
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
    assert find_config(docker_engine, tag) == first
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
        seen.add(find_config(docker_engine, tag))
    new = build("--print-id").stdout.strip()

    assert seen <= {old, new}
    assert find_config(docker_engine, tag) == new
    done = docker_engine.run(tag, ["python", "-c", "import numpy, six"], read_only={})
    assert done.status == 0, done.stderr


def test_two_builds_of_one_tag_at_a_time_end_in_one_whole_image(
    locked: Callable[..., Done], tag: str, base_image: str, docker_engine: DockerEngine
) -> None:
    del locked
    command = ("build-local", "d", "--docker", "--tag", tag, "--base", base_image, "--print-id")

    assert build_together(command, command) == {find_config(docker_engine, tag)}
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
    ids = build_together(*(("build-local", name, *options) for name in ("d", "e", "d", "e")))

    assert len(ids) == 2
    assert find_config(docker_engine, tag) in ids
    done = docker_engine.run(tag, ["python", "-c", "import six, idna"], read_only={})
    assert done.status == 0, done.stderr


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
