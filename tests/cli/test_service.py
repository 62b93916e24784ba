"""Services that are processes of this machine."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.served import wait_until

from envsync.model.scoring.service import check_service_name, suggest_service_name
from envsync.process import ProcessIdentity, read_identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Done

pytestmark = pytest.mark.slow

SCRIPT = """
import os
def init():
    global answer
    answer = {answer}
    print("init is done", flush=True)
def run(raw_data):
    model = os.path.join(os.environ["AZUREML_MODEL_DIR"], "m.txt")
    return [answer, open(model).read(), os.getcwd(), os.environ["AZUREML_ENTRY_SCRIPT"]]
"""
OPTIONS = ("--detach", "--python", sys.executable, "--port", "0")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "app"
    (made / "model").mkdir(parents=True)
    (made / "model/m.txt").write_text("old model")
    write(made, "1")
    return made


def write(folder: Path, answer: str) -> None:
    (folder / "score.py").write_text(SCRIPT.format(answer=answer))


def listed(envsync: Callable[..., Done]) -> list[dict[str, Any]]:
    done = envsync("service", "list", "--json")
    assert done.status == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def ask(envsync: Callable[..., Done]) -> list[Any]:
    (service,) = listed(envsync)
    return post(service["port"])


def post(port: int) -> list[Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("POST", "/score", body="{}")
        found: list[Any] = json.loads(connection.getresponse().read())
        return found


def identity_of(services: Path, name: str) -> ProcessIdentity:
    found = read_identity(services / name / "current")
    assert found is not None
    return found


def test_a_service_is_deployed_reloaded_updated_and_deleted(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    deployed = envsync("serve", "app", *OPTIONS, "--service-name", "churn")
    first = ask(envsync)
    write(folder, "2")
    (folder / "model/m.txt").write_text("new model")
    unchanged = ask(envsync)
    reloaded = envsync("service", "reload", "churn")
    second = ask(envsync)
    updated = envsync("service", "update", "churn")
    third = ask(envsync)
    logs = envsync("service", "logs", "churn", "--tail", "100")
    identity = identity_of(services, "churn")
    deleted = envsync("service", "delete", "churn")

    assert [done.status for done in (deployed, reloaded, updated, deleted)] == [0, 0, 0, 0]
    assert first[:2] == unchanged[:2] == [1, "old model"]
    assert second[:2] == [2, "old model"]
    assert third[:2] == [2, "new model"]
    assert third[3] == f"{third[2]}/app/score.py"
    assert "init is done\n" in logs.stdout
    assert not identity.is_alive()
    assert {path.name for path in services.iterdir()} == {".locks"}
    assert listed(envsync) == []


def test_new_source_that_cannot_be_loaded_leaves_the_old_one_answering(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    assert envsync("serve", "app", *OPTIONS, "--service-name", "churn").status == 0
    write(folder, "1 / 0")
    reloaded = envsync("service", "reload", "churn")
    updated = envsync("service", "update", "churn")

    for done in (reloaded, updated):
        assert done.status == 1
        assert "ZeroDivisionError: division by zero" in done.stderr
    assert "Error: The new source of `churn` can't be loaded" in reloaded.stderr
    assert re.match(r"  \d\S+ INFO envsync: Loading", reloaded.stderr.splitlines()[1])
    assert "Error: The server of `churn` ended with status 1" in updated.stderr
    assert "Hint: the service goes on as it was before" in updated.stderr
    assert ask(envsync)[0] == 1
    kill_workers(services, "churn")
    wait_until(lambda: listed(envsync)[0]["state"] == "running", "another worker")
    assert ask(envsync)[0] == 1
    assert len(list((services / "churn").glob("[0-9]*"))) == 1


def kill_workers(services: Path, name: str) -> None:
    pid = identity_of(services, name).pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        os.kill(int(child), signal.SIGKILL)


def test_a_script_that_cannot_be_loaded_leaves_nothing_behind(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    write(folder, "1 / 0")
    done = envsync("serve", "app", *OPTIONS)

    assert done.status == 1
    assert "Error: The server of `app` ended with status 1, and its log ends so\n" in done.stderr
    assert "ZeroDivisionError: division by zero\n" in done.stderr
    assert {path.name for path in services.iterdir()} == {".locks"}


def test_a_script_that_takes_too_long_to_load_leaves_nothing_behind(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    (folder / "score.py").write_text("import time\ndef init(): time.sleep(60)\ndef run(d): pass\n")
    done = envsync("serve", "app", *OPTIONS, "--wait", "0.5", "--grace", "0")

    assert done.status == 1
    assert "Error: The service `app` is not ready after 0.5 s" in done.stderr
    assert {path.name for path in services.iterdir()} == {".locks"}


def test_deploying_again_replaces_the_service_and_keeps_to_its_definition(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    assert envsync("serve", "app", *OPTIONS, "--service-name", "churn").status == 0
    before = identity_of(services, "churn")
    write(folder, "3")
    assert envsync("serve", "app", *OPTIONS, "--service-name", "churn").status == 0
    answer = ask(envsync)
    shutil.copytree(folder, folder.parent / "other")
    refused = envsync("serve", "other", *OPTIONS, "--service-name", "churn")

    assert answer[0] == 3
    assert not before.is_alive()
    assert refused.status == 1
    assert refused.stderr.startswith(f"Error: The service `churn` serves `{folder}`\n")
    assert ask(envsync)[0] == 3


def test_two_deployments_at_once_end_in_one_service(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    command = [sys.executable, "-m", "envsync", "serve", str(folder), *OPTIONS]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[1] for process in both]

    assert [process.returncode for process in both] == [0, 0], outputs
    assert ask(envsync)[0] == 1
    assert len(list((services / "app").glob("[0-9]*"))) == 1


@pytest.mark.parametrize("delay", [0.1, 0.2, 0.3, 0.5])
def test_a_deployment_that_is_killed_leaves_a_whole_service_or_nothing(
    envsync: Callable[..., Done], folder: Path, services: Path, delay: float
) -> None:
    command = [sys.executable, "-m", "envsync", "serve", str(folder), *OPTIONS]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        time.sleep(delay)
        process.kill()
    started = [read_identity(path) for path in services.glob("app/[0-9]*")]
    found = listed(envsync)

    if found:
        assert ask(envsync)[0] == 1
        return
    assert not any(identity.is_alive() for identity in started if identity is not None)
    assert not (services / "app").exists()


@pytest.mark.parametrize("delay", [0.15, 0.25, 0.3, 0.4, 0.6])
def test_an_update_that_is_killed_leaves_the_old_service_or_the_new(
    envsync: Callable[..., Done], folder: Path, services: Path, delay: float
) -> None:
    assert envsync("serve", "app", *OPTIONS).status == 0
    port = listed(envsync)[0]["port"]
    write(folder, "2")
    command = [sys.executable, "-m", "envsync", "service", "update", "app"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        time.sleep(delay)
        process.kill()
    wait_until(lambda: listed(envsync)[0]["state"] == "running", "the service")

    assert post(port)[0] in (1, 2)
    assert len(list((services / "app").glob("[0-9]*"))) == 1


def test_a_service_that_died_is_listed_as_failed_and_starts_again(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    del folder
    assert envsync("serve", "app", *OPTIONS).status == 0
    port = listed(envsync)[0]["port"]
    identity_of(services, "app").send(signal.SIGKILL)
    wait_until(lambda: listed(envsync)[0]["exit_status"] == 137, "its status")
    failed = listed(envsync)[0]
    assert envsync("service", "reload", "app").status == 0

    assert failed["state"] == "failed"
    assert (listed(envsync)[0]["state"], listed(envsync)[0]["port"]) == ("running", port)


def test_a_later_process_with_the_same_number_is_not_taken_for_the_service(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    del folder
    assert envsync("serve", "app", *OPTIONS).status == 0
    identity = identity_of(services, "app")
    identity.kill()
    wait_until(lambda: not identity.is_alive(), "its end")
    with subprocess.Popen(["sleep", "60"]) as other:  # noqa: S607  # a tool of the system's
        noted = services / "app/current/pid"
        boot, _, stat = noted.read_text().partition(" ")
        noted.write_text(f"{boot} {other.pid} {stat.partition(' ')[2]}")
        state = listed(envsync)[0]["state"]
        deleted = envsync("service", "delete", "app")
        is_left_alone = other.poll() is None
        other.kill()

    assert (state, deleted.status, is_left_alone) == ("failed", 0, True)


def test_a_port_that_is_in_use_is_said_at_once(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    del folder
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = ("--detach", "--python", sys.executable, "--port", str(port))
        done = envsync("serve", "app", *options)

    assert done.status == 1
    assert done.stderr.endswith(
        f"Error: Port {port} of `localhost` is in use\n"
        "Hint: choose another port: `--port PORT`, in Python `port=`; 0 takes one that is free\n"
    )
    assert not (services / "app").exists()


def test_following_the_log_ends_with_the_service(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    del folder, services
    assert envsync("serve", "app", *OPTIONS).status == 0
    assert envsync("service", "logs", "appp", "--follow").stderr == (
        "Error: There is no service `appp`\nHint: did you mean `app`?\n"
    )
    command = [sys.executable, "-m", "envsync", "service", "logs", "app", "--follow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert envsync("service", "delete", "app").status == 0
        rest = process.stdout.read()
        status = process.wait(30)

    assert first == "init is done\n"
    assert "Stopping" in rest
    assert status == 0


@pytest.mark.parametrize(
    "arguments",
    [("reload", "nosuch"), ("update", "nosuch"), ("delete", "nosuch"), ("logs", "nosuch")],
)
def test_a_service_that_is_not_there_is_said(
    envsync: Callable[..., Done], services: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = envsync("service", *arguments)

    assert done.status == 1
    assert done.stderr.startswith("Error: There is no service `nosuch`\nHint: ")
    assert f"`unix://{tmp_path}/none.sock`" in done.stderr
    assert not (services / "nosuch").exists()


@pytest.mark.parametrize("name", ["ab", "Churn", "1st", "a-", "a" * 33, "a_b", ""])
def test_names_that_azure_ml_refuses_are_refused(
    envsync: Callable[..., Done], folder: Path, name: str
) -> None:
    del folder
    done = envsync("serve", "app", *OPTIONS, "--service-name", name)

    assert done.status == 2
    assert done.stderr.startswith(f"Error: `{name}` can't be the name of a service\nHint: ")
    assert check_service_name(suggest_service_name(name)) == suggest_service_name(name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--service-name", "x"), "`--service-name` is for `--detach`"),
        (("--base", "scratch"), "`--base` is for `--docker`"),
        (("--docker", "--python", "p"), "`--python` is not for `--docker`"),
        (("--detach", "--host", "0.0.0.0"), "`--host` can't be given"),  # noqa: S104
        (("--detach", "--reload"), "use `envsync service reload`"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(
    envsync: Callable[..., Done], options: tuple[str, ...], message: str
) -> None:
    done = envsync("serve", ".", *options)

    assert done.status == 2
    assert message in done.stderr


def test_the_state_holds_no_variables(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    definition = {"name": "app", "environmentVariables": {"TOKEN": "s3cret"}}
    (folder / "azureml_environment.json").write_text(json.dumps(definition))
    (folder / "conda_dependencies.yml").write_text("dependencies: [python]")
    (folder / "score.py").write_text(
        "import os\ndef init(): pass\ndef run(d): return [os.environ['TOKEN']]\n"
    )
    done = envsync("serve", "app", *OPTIONS)

    assert done.status == 0, done.stderr
    assert ask(envsync) == ["s3cret"]
    for name in ("service.json", "pid", "log"):
        assert "s3cret" not in (services / "app/current" / name).read_text()


def test_an_update_to_a_port_that_is_in_use_stops_nothing(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    del folder
    assert envsync("serve", "app", *OPTIONS).status == 0
    before = identity_of(services, "app")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = envsync("service", "update", "app", "--port", str(taken.getsockname()[1]))
    moved = envsync("service", "update", "app", "--port", "0", "--workers", "2")

    assert done.status == 1
    assert "Hint: the service goes on as it was before; choose another port" in done.stderr
    assert moved.status == 0, moved.stderr
    assert not before.is_alive()
    assert ask(envsync)[0] == 1


def test_a_service_of_another_version_can_be_seen_and_deleted(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    del folder
    assert envsync("serve", "app", *OPTIONS).status == 0
    identity = identity_of(services, "app")
    (services / "app/current/service.json").write_text('{"format": 2}')
    (found,) = listed(envsync)
    reloaded = envsync("service", "reload", "app")
    deleted = envsync("service", "delete", "app")

    assert (found["name"], found["state"], found["port"]) == ("app", "unknown", None)
    assert reloaded.stderr == (
        "Error: The service `app` was made by another version of envsync\n"
        "Hint: delete it, and deploy it again\n"
    )
    assert deleted.status == 0
    assert not identity.is_alive()


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "{", "\udcff", "null", " " * (2 << 20)])
def test_a_service_whose_notes_are_damaged_can_be_seen_and_deleted(
    envsync: Callable[..., Done], folder: Path, services: Path, text: str
) -> None:
    del folder
    assert envsync("serve", "app", *OPTIONS).status == 0
    plan = services / "app/current/service.json"
    plan.write_bytes(text.encode("utf-8", "surrogateescape"))
    (found,) = listed(envsync)

    assert (found["name"], found["state"], found["port"]) == ("app", "unknown", None)
    assert envsync("service", "delete", "app").status == 0
    assert listed(envsync) == []


@pytest.mark.parametrize("name", ["service.json", "pid", "status", "log"])
def test_a_pipe_in_the_place_of_a_file_of_a_service_is_not_waited_for(
    envsync: Callable[..., Done], folder: Path, services: Path, name: str
) -> None:
    del folder
    assert envsync("serve", "app", *OPTIONS).status == 0
    identity = identity_of(services, "app")
    place = services / "app/current" / name
    place.unlink(missing_ok=True)
    os.mkfifo(place)
    try:
        (found,) = listed(envsync)
        logs = envsync("service", "logs", "app")
    finally:
        place.unlink()
        identity.kill()

    states = {"service.json": "unknown", "pid": "failed"}
    assert found["state"] == states.get(name, "running")
    real = (services / "app/current").resolve()
    said = f"Error: Cannot read `{real}/log`: not a regular file\n"
    assert (logs.status, logs.stderr) == ((1, said) if name == "log" else (0, ""))


def test_a_link_in_the_place_of_a_log_is_not_followed(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    """The script itself may have put it there."""
    assert envsync("serve", "app", *OPTIONS).status == 0
    (folder / "secret").write_text("s3cret")
    log = services / "app/current/log"
    log.unlink()
    log.symlink_to(folder / "secret")
    logs = envsync("service", "logs", "app")

    assert (logs.status, logs.stdout) == (1, "")


@pytest.mark.parametrize("name", ["a\udcffb", "../app", "app/../app", "a\nb", ".locks", ""])
def test_what_can_be_no_service_is_not_looked_for(
    envsync: Callable[..., Done], folder: Path, services: Path, name: str
) -> None:
    del folder
    assert envsync("serve", "app", *OPTIONS).status == 0
    before = sorted(services.rglob("*"))
    done = [envsync("service", command, name) for command in ("logs", "delete", "reload")]

    assert {each.status for each in done} <= {1, 2}
    assert done[0].stderr.startswith("Error: There is no service `")
    assert sorted(services.rglob("*")) == before
