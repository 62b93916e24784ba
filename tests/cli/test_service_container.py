"""Services that are containers, in an engine of the tests' own and its own network."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from support.served import wait_until
from support.servers.engines import ALONE
from support.workbench import BASE, open_workbench, why_not

if TYPE_CHECKING:
    from collections.abc import Iterator

    from channel import Served
    from support.servers.engines import OwnEngine
    from support.workbench import Workbench

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

SPECS = Path(__file__).resolve().parents[2] / "specs"
SCRIPT = """
import os, six
def init():
    global answer
    answer = {answer}
    print("init is done", flush=True)
def run(raw_data):
    names = ("AML_APP_ROOT", "AZUREML_MODEL_DIR", "AZUREML_ENTRY_SCRIPT", "TOKEN")
    model = os.path.join(os.environ["AZUREML_MODEL_DIR"], "m.txt")
    return {{
        "answer": answer, "model": open(model).read(), "cwd": os.getcwd(), "six": six.__version__,
        "env": {{name: os.environ.get(name) for name in names}}, "uid": os.getuid(),
    }}
"""
_PATIENCE = 60.0


@pytest.fixture(scope="module")
def prepared(
    served_channel: Served, rattler_cache: Path, module_folder: Path
) -> Iterator[Workbench]:
    if lack := why_not():
        pytest.skip(lack)
    with open_workbench(served_channel, rattler_cache, module_folder) as bench:
        yield bench


def write(bench: Workbench, answer: str) -> None:
    (bench.definition / "score.py").write_text(SCRIPT.format(answer=answer))


@pytest.fixture
def bench(prepared: Workbench) -> Iterator[Workbench]:
    """Give the workbench as it was at first; no container may be left of the test before."""
    write(prepared, "1")
    (prepared.definition / "model/m.txt").write_text("old model")
    yield prepared
    for container in prepared.containers():
        prepared.run("docker", "rm", "-f", container)


def test_a_container_is_deployed_reloaded_updated_and_deleted(bench: Workbench) -> None:
    deployed = bench.deploy()
    assert deployed.returncode == 0, deployed.stderr
    first = bench.ask()
    write(bench, "2")
    (bench.definition / "model/m.txt").write_text("new model")
    reloaded = bench.envsync("service", "reload", "churn")
    second = bench.ask()
    updated = bench.envsync("service", "update", "churn")
    third = bench.ask()
    foreign = bench.run(
        "curl", "--silent", "-H", "Host: evil.example", bench.list()[0]["scoring_uri"]
    )
    logs = bench.envsync("service", "logs", "churn")
    names = bench.run("docker", "ps", "-a", "--format", "{{.Names}} {{.Ports}}").stdout
    deleted = bench.envsync("service", "delete", "churn")

    assert [done.returncode for done in (reloaded, updated, deleted)] == [0, 0, 0]
    assert first["env"] == {
        "AML_APP_ROOT": "/var/azureml-app",
        "AZUREML_MODEL_DIR": "/var/azureml-app/azureml-models/model/1",
        "AZUREML_ENTRY_SCRIPT": "/var/azureml-app/churn/score.py",
        "TOKEN": "s3cret",
    }
    assert (first["answer"], first["model"], first["six"]) == (1, "old model", "1.17.0")
    assert (second["answer"], second["model"]) == (2, "old model")
    assert (third["answer"], third["model"]) == (2, "new model")
    assert "does not answer for the host" in foreign.stdout
    assert first["cwd"] == "/var/azureml-app"
    assert "init is done\n" in logs.stdout
    assert re.fullmatch(r"envsync-churn 127\.0\.0\.1:\d+->5001/tcp\n", names)
    assert bench.containers() == []


def test_the_log_of_a_container_is_bounded(bench: Workbench) -> None:
    assert bench.deploy().returncode == 0
    written = bench.run(
        "docker", "inspect", "-f", "{{json .HostConfig.LogConfig}}", "envsync-churn"
    )
    assert json.loads(written.stdout) == {
        "Type": "json-file",
        "Config": {"max-size": "16m", "max-file": "4"},
    }


def test_a_container_goes_on_while_the_one_that_was_to_follow_fails(bench: Workbench) -> None:
    assert bench.deploy().returncode == 0
    before = bench.containers()
    started = bench.run("docker", "inspect", "-f", "{{.State.StartedAt}}", *before).stdout
    write(bench, "1 / 0")
    updated = bench.envsync("service", "update", "churn")

    assert updated.returncode == 1
    assert "ZeroDivisionError" in updated.stderr
    assert "Hint: the service goes on as it was before" in updated.stderr
    assert bench.containers() == before
    again = bench.run("docker", "inspect", "-f", "{{.State.StartedAt}}", *before).stdout
    assert started == again != ""
    assert bench.ask()["answer"] == 1


def test_answers_name_the_lock_and_labels_hold_no_variables(bench: Workbench) -> None:
    assert bench.deploy().returncode == 0
    (service,) = bench.list()
    head = bench.run("curl", "--silent", "--head", service["scoring_uri"]).stdout
    labels = bench.run("docker", "inspect", "-f", "{{json .Config.Labels}}", "envsync-churn").stdout

    assert service["lock_digest"].startswith("sha256:")
    assert f"x-envsync-lock: {service['lock_digest']}" in head
    assert "envsync.service.plan" in labels
    assert "s3cret" not in labels


def test_new_source_that_cannot_be_loaded_leaves_the_old_one_answering(bench: Workbench) -> None:
    assert bench.deploy().returncode == 0
    write(bench, "1 / 0")
    reloaded = bench.envsync("service", "reload", "churn")
    updated = bench.envsync("service", "update", "churn")

    for done in (reloaded, updated):
        assert done.returncode == 1
        assert "ZeroDivisionError: division by zero" in done.stderr
    assert "Error: The new source of `churn` can't be loaded" in reloaded.stderr
    assert "Error: The server of `churn` ended with status 1" in updated.stderr
    assert bench.ask()["answer"] == 1
    bench.run("docker", "kill", "envsync-churn")
    bench.run("docker", "start", "envsync-churn")
    wait_for_answer(bench)
    assert bench.ask()["answer"] == 1
    assert len(bench.containers()) == 1


def wait_for_answer(bench: Workbench) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not (found := bench.list()) or found[0]["state"] != "running":
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def test_a_script_that_cannot_be_loaded_leaves_nothing_behind(bench: Workbench) -> None:
    write(bench, "1 / 0")
    done = bench.deploy()

    assert done.returncode == 1
    assert "Error: The server of `churn` ended with status 1, and its log ends so" in done.stderr
    assert "ZeroDivisionError: division by zero\n" in done.stderr
    assert bench.containers() == []
    assert bench.list() == []


def test_two_deployments_at_once_end_in_one_container(bench: Workbench) -> None:
    options = ("--docker", "--detach", "--base", BASE, "--port", "0")
    command = (sys.executable, "-m", "envsync", "serve", "churn", *options)
    both = [bench.start(*command), bench.start(*command)]
    outputs = [process.communicate(timeout=_PATIENCE)[1] for process in both]

    assert [process.returncode for process in both] == [0, 0], outputs
    assert bench.ask()["answer"] == 1
    assert len(bench.containers()) == 1


@pytest.mark.parametrize("delay", [0.3, 0.6, 0.8, 1.0, 1.3])
def test_a_deployment_that_is_killed_leaves_a_whole_service_or_nothing(
    bench: Workbench, delay: float
) -> None:
    options = ("--docker", "--detach", "--base", BASE, "--port", "0")
    process = bench.start(sys.executable, "-m", "envsync", "serve", "churn", *options)
    time.sleep(delay)
    process.kill()
    process.communicate()
    found = bench.list()

    if found:
        assert bench.ask()["answer"] == 1
    assert len(bench.containers()) == len(found)


@pytest.mark.parametrize("delay", [0.9, 1.3])
def test_an_update_that_is_killed_leaves_the_old_service_or_the_new(
    bench: Workbench, delay: float
) -> None:
    assert bench.deploy("--port", "7007").returncode == 0
    write(bench, "2")
    process = bench.start(sys.executable, "-m", "envsync", "service", "update", "churn")
    time.sleep(delay)
    process.kill()
    process.communicate()
    wait_for_answer(bench)

    assert bench.ask("http://localhost:7007/score")["answer"] in (1, 2)
    assert len(bench.containers()) == 1


def test_a_container_comes_back_with_its_engine(bench: Workbench) -> None:
    assert bench.deploy("--port", "7001").returncode == 0
    bench.engine.stop()
    bench.engine.start()
    wait_for_answer(bench)

    assert bench.ask("http://localhost:7001/score")["answer"] == 1
    assert bench.envsync("service", "reload", "churn").returncode == 0
    assert bench.envsync("service", "delete", "churn").returncode == 0


def test_a_server_that_is_killed_is_started_again(bench: Workbench) -> None:
    assert bench.deploy("--port", "7001").returncode == 0
    pid = bench.run("docker", "inspect", "-f", "{{.State.Pid}}", "envsync-churn").stdout
    os.kill(int(pid), signal.SIGKILL)
    wait_for_answer(bench)

    assert bench.ask("http://localhost:7001/score")["answer"] == 1


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_container_in_the_foreground_goes_with_its_command(
    bench: Workbench, ending: signal.Signals
) -> None:
    options = ("--docker", "--base", BASE, "--port", "7002")
    process = bench.start(sys.executable, "-m", "envsync", "serve", "churn", *options)
    assert process.stderr is not None
    lines = []
    while "Serving at" not in "".join(lines[-1:]):
        lines.append(process.stderr.readline())
        assert lines[-1], lines
    answer = bench.ask("http://localhost:7002/score")
    process.send_signal(ending)
    stdout, stderr = process.communicate(timeout=_PATIENCE)
    deadline = time.monotonic() + _PATIENCE
    while bench.containers() and time.monotonic() < deadline:
        time.sleep(0.1)

    assert answer["answer"] == 1
    assert "Serving at http://localhost:7002/score\n" in lines
    assert "init is done\n" in lines
    assert bench.containers() == []
    if ending is not signal.SIGKILL:
        assert "POST /score 200" in stdout
        assert "Stopping" in stderr
        assert process.returncode == 0
    assert bench.list() == []


def test_a_script_that_fails_in_the_foreground_gives_its_status(bench: Workbench) -> None:
    write(bench, "1 / 0")
    failed = bench.envsync("serve", "churn", "--docker", "--base", BASE, "--port", "0")
    (bench.definition / "score.py").write_text("def init(): pass\n")
    wrong = bench.envsync("serve", "churn", "--docker", "--base", BASE, "--port", "0")

    assert (failed.returncode, wrong.returncode) == (1, 2)
    assert "`init()` of entry script `score.py` failed: ZeroDivisionError" in failed.stderr
    assert "defines no `run` function" in wrong.stderr
    assert bench.containers() == []


def test_a_port_that_is_in_use_is_said(bench: Workbench) -> None:
    assert bench.deploy("--port", "7003").returncode == 0
    more = ("--service-name", "another", "--port", "7003")
    done = bench.deploy(*more)

    assert done.returncode == 1
    assert "Error: Port 7003 of `localhost` is in use\n" in done.stderr
    assert len(bench.containers()) == 1


def test_without_the_server_of_azure_ml_it_is_not_run(bench: Workbench) -> None:
    done = bench.deploy("--server", "azureml")

    assert done.returncode == 2
    assert "Error: The environment has no `azureml-inference-server-http`\n" in done.stderr
    assert bench.containers() == []


def test_an_orphan_of_the_script_does_not_stay_as_a_zombie(bench: Workbench) -> None:
    script = """
    import os, subprocess
    def init(): pass
    def run(raw_data):
        subprocess.run(["sh", "-c", "sleep 0.2 &"], check=True)
        return 1
    """
    (bench.definition / "score.py").write_text(textwrap.dedent(script))
    assert bench.deploy().returncode == 0
    for _ in range(3):
        assert bench.ask() == 1
    time.sleep(0.6)
    states = bench.run("docker", "top", "envsync-churn", "-eo", "stat,pid,args").stdout.splitlines()

    assert [line for line in states if line.startswith("Z")] == []
    assert len(states) == 4  # a head, the guard, the server, the worker


def test_python_deploys_a_container(bench: Workbench) -> None:
    script = """
    from envsync import Environment, InferenceConfig, LocalWebservice, Model
    environment = Environment.load_from_directory("churn")
    config = InferenceConfig("score.py", source_directory="churn", environment=environment)
    how = LocalWebservice.deploy_configuration(port=7004, use_docker=True, base_image=BASE)
    model = Model(name="m", path="churn/model/m.txt")
    service = Model.deploy("pyservice", [model], config, how)
    service.wait_for_deployment(show_output=True)
    found = service.run({"data": 1})
    assert found["env"]["AZUREML_MODEL_DIR"].endswith("/azureml-models/m/0"), found
    assert service.state == "running" and service.scoring_uri == "http://localhost:7004/score"
    service.update(models=[model, Model(name="n", path="churn/model/m.txt")], wait=True)
    """
    (bench.definition / "score.py").write_text(
        SCRIPT.format(answer=1)
        .replace('["AZUREML_MODEL_DIR"]', '["AML_APP_ROOT"]')
        .replace('"m.txt"', '"azureml-models/m/0/m.txt"')
    )
    code = f"BASE = {BASE!r}\n{textwrap.dedent(script)}\n"
    code += "print(service.run(b'{}')['env']['AZUREML_MODEL_DIR'])\nservice.delete()\n"
    done = bench.run(sys.executable, "-c", code)

    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\n/var/azureml-app/azureml-models\n")
    assert bench.containers() == []


ATTACH = """
import socket, time
seen = b""
while not seen:
    try:
        with socket.create_connection(("127.0.0.1", 5678), 20) as sock:
            seen = sock.recv(4096)
            if seen:
                sock.sendall(b"c\\n")
    except OSError:
        pass
    time.sleep(0.1)
print(seen.decode())
"""


def test_a_debugger_attaches_inside(bench: Workbench) -> None:
    (bench.folder / "weights").write_text("found")
    (bench.definition / "score.py").write_text(
        "import os\n\ndef init():\n    pass\n\ndef run(data):\n"
        "    folder = os.environ['AZUREML_MODEL_DIR']\n    return [folder, os.listdir(folder)]\n"
    )
    options = ("--docker", "--base", BASE, "--port", "7003", "--debug-port", "5678")
    command = (sys.executable, "-m", "envsync", "serve", "churn", *options, "--model", "./weights")
    process = bench.start(*command)
    assert process.stderr is not None
    attached = bench.run(sys.executable, "-c", ATTACH)
    line = ""
    while "Serving at" not in line:
        line = process.stderr.readline()
        assert line, attached
    answer = bench.ask("http://localhost:7003/score")
    process.terminate()
    process.communicate(timeout=_PATIENCE)

    assert "/var/azureml-app/churn/score.py(1)" in attached.stdout
    assert answer == ["/var/azureml-app/azureml-models/weights/0", ["weights"]]
    assert line.endswith("http://localhost:7003/score\n")


def test_the_tutorial_predicts_a_two_in_a_container(bench: Workbench, shared: Path) -> None:
    kept = shutil.ignore_patterns("model", "conda-lock.yml", "__pycache__")
    shutil.copytree(SPECS / "sklearn-mnist", bench.folder / "mnist", ignore=kept)
    bench.outside("lock", "mnist")
    bench.outside("build-local", "mnist")
    bench.outside("run", "mnist", "python", "mnist/train.py")
    bench.outside("build-local", "mnist", "--docker", "--base", BASE)
    options = ("--docker", "--detach", "--base", BASE, "--port", "6789")
    deployed = bench.envsync("serve", "mnist", *options)
    request = shared / "oracle/tutorial-request.json"
    uri = "http://localhost:6789/score"
    answer = bench.run("curl", "--silent", "--data-binary", f"@{request}", uri)

    assert deployed.returncode == 0, deployed.stderr
    assert answer.stdout == "[2]"
    assert bench.envsync("service", "delete", "sklearn-mnist").returncode == 0


def test_the_environments_own_server_of_azure_ml_serves(bench: Workbench) -> None:
    folder = bench.folder / "own"
    shutil.copytree(bench.definition, folder, ignore=shutil.ignore_patterns("conda-lock.yml"))
    (folder / "azureml_environment.json").write_text(
        json.dumps({"name": "own", "environmentVariables": {}})
    )
    pip = {"pip": ["azureml-inference-server-http==1.5.1"]}
    conda = {"channels": ["conda-forge"], "dependencies": ["python=3.11", "six", "pip", pip]}
    (folder / "conda_dependencies.yml").write_text(json.dumps(conda))
    bench.outside("lock", "own")
    bench.outside("build-local", "own", "--docker", "--base", BASE)
    options = ("--docker", "--detach", "--base", BASE, "--port", "7005", "--server", "azureml")
    deployed = bench.envsync("serve", "own", *options)
    assert deployed.returncode == 0, deployed.stderr
    write(bench, "2")
    shutil.copy(bench.definition / "score.py", folder)
    reloaded = bench.envsync("service", "reload", "own")
    answer = bench.run("curl", "-si", "-d", "{}", "http://localhost:7005/score").stdout

    assert reloaded.returncode == 0, reloaded.stderr
    assert "x-ms-server-version: azmlinfsrv/1.5.1" in answer
    assert '"answer": 2' in answer


@dataclass
class Podman:
    """Podman's service, in a network of its own."""

    pid: int

    @property
    def enter(self) -> list[str]:
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net"]


@pytest.fixture
def podman(bench: Workbench) -> Iterator[Workbench]:
    """Give the workbench with Podman in the place of Docker, and the base image as `base.tar`."""
    if not shutil.which("podman"):
        pytest.skip("needs podman")
    bench.run("docker", "save", "--output", "base.tar", BASE)
    conf = bench.folder / "containers.conf"
    # It would raise limits, which a sandbox may forbid.
    conf.write_text('[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n')
    with tempfile.TemporaryDirectory(prefix="podman-", dir="/tmp") as name:  # its paths are short
        address = f"unix://{name}/podman.sock"
        env = {**bench.env, "CONTAINERS_CONF": str(conf), "DOCKER_HOST": address}
        command = ["podman", "--root", f"{name}/storage", "--runroot", f"{name}/run"]
        command += ["--cgroup-manager=cgroupfs", "--runtime=runc"]
        service = [*ALONE, *command, "system", "service", "--time=0", address]
        with subprocess.Popen(service, env=env, stderr=subprocess.DEVNULL) as process:
            try:
                wait_until(Path(name, "podman.sock").exists, "podman's socket")
                yield replace(bench, engine=cast("OwnEngine", Podman(process.pid)), env=env)
            finally:
                process.terminate()
        reset = [*command, "system", "reset", "--force"]
        subprocess.run(reset, env=env, check=False, capture_output=True)


def test_podmans_service_serves_too(podman: Workbench) -> None:
    options = ("--docker", "--detach", "--base", "base.tar", "--port", "7006")
    deployed = podman.envsync("serve", "churn", *options)
    assert deployed.returncode == 0, deployed.stderr
    first = podman.ask()
    write(podman, "2")
    reloaded = podman.envsync("service", "reload", "churn")
    second = podman.ask()
    write(podman, "1 / 0")
    failed = podman.envsync("service", "update", "churn")
    assert podman.list()[0]["state"] == "running", failed.stderr
    third = podman.ask()
    deleted = podman.envsync("service", "delete", "churn")

    assert [first["answer"], second["answer"], third["answer"]] == [1, 2, 2]
    assert (reloaded.returncode, failed.returncode, deleted.returncode) == (0, 1, 0)
    assert podman.list() == []
