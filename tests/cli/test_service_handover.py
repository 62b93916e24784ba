"""Services that are brought up to date while clients ask."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from support.served import wait_until

from envsync.model.progress import SilentReporter
from envsync.process import read_identity
from envsync.workflow.service.service import Patience, update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Done

pytestmark = pytest.mark.slow

SCRIPT = """
import time
def init():
    time.sleep(1.5)
    {init}
def run(raw_data):
    return {answer}
"""
OPTIONS = ("--detach", "--python", sys.executable, "--service-name", "churn")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "app"
    made.mkdir()
    write(made, 1)
    return made


def write(folder: Path, answer: int, init: str = "pass") -> None:
    (folder / "score.py").write_text(SCRIPT.format(answer=answer, init=init))


def find_port(envsync: Callable[..., Done]) -> int:
    (service,) = json.loads(envsync("service", "list", "--json").stdout)
    assert service["state"] == "running"
    return int(service["port"])


class Clients:
    """Ask *port* without a pause, on new connections and on kept ones, while `asking`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._is_over = threading.Event()
        self.answers: list[Any] = []
        self.slowest = 0.0
        asks = (self._ask_anew, self._ask_anew, self._ask_on_one)
        self._threads = [threading.Thread(target=self._run, args=(ask,)) for ask in asks]

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        self._wait_for_answers()
        try:
            yield
            self._wait_for_answers()
        finally:
            self._is_over.set()
            for thread in self._threads:
                thread.join()

    def _wait_for_answers(self) -> None:
        seen = len(self.answers)
        wait_until(lambda: len(self.answers) > seen + 20, "answers")

    def _run(self, ask: Callable[[], None]) -> None:
        while not self._is_over.is_set():
            self._try(ask)

    def _try(self, ask: Callable[[], None]) -> None:
        try:
            ask()
        except (OSError, http.client.HTTPException) as error:
            self.answers.append(error)

    def _ask_anew(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        with contextlib.closing(connection):
            self._ask(connection)

    def _ask_on_one(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        with contextlib.closing(connection):
            while not self._is_over.is_set() and self._ask(connection) != "close":
                time.sleep(0.01)

    def _ask(self, connection: http.client.HTTPConnection) -> str | None:
        began = time.monotonic()
        connection.request("POST", "/score", body="{}")
        answer = connection.getresponse()
        self.answers.append(json.loads(answer.read()))
        self.slowest = max(self.slowest, time.monotonic() - began)
        return answer.headers["Connection"]


def test_no_request_is_lost_while_a_service_is_updated(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    assert envsync("serve", "app", *OPTIONS, "--port", "0").status == 0
    clients = Clients(find_port(envsync))
    with clients.asking():
        write(folder, 2)
        updated = envsync("service", "update", "churn")
        write(folder, 3)
        again = envsync("service", "update", "churn")

    assert (updated.status, again.status) == (0, 0)
    assert set(map(str, clients.answers)) == {"1", "2", "3"}
    assert clients.answers[-1] == 3
    assert clients.slowest < 1.2  # nobody has waited for an `init()`
    assert len(list((services / "churn").glob("[0-9]*"))) == 1


def test_no_request_is_lost_while_an_update_fails(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    assert envsync("serve", "app", *OPTIONS, "--port", "0").status == 0
    first = read_identity(services / "churn/current")
    clients = Clients(find_port(envsync))
    with clients.asking():
        write(folder, 2, "1 / 0")
        updated = envsync("service", "update", "churn")

    assert updated.status == 1
    assert "ZeroDivisionError" in updated.stderr
    assert "Hint: the service goes on as it was before" in updated.stderr
    assert set(map(str, clients.answers)) == {"1"}
    assert read_identity(services / "churn/current") == first


def test_a_service_deployed_again_on_its_port_loses_no_request(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    assert envsync("serve", "app", *OPTIONS, "--port", "0").status == 0
    port = find_port(envsync)
    clients = Clients(port)
    with clients.asking():
        write(folder, 2)
        deployed = envsync("serve", "app", *OPTIONS, "--port", str(port))

    assert deployed.status == 0, deployed.stderr
    assert set(map(str, clients.answers)) == {"1", "2"}
    assert (services / "churn/current").is_symlink()


def test_an_update_that_nobody_waits_for_loses_no_request(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    assert envsync("serve", "app", *OPTIONS, "--port", "0").status == 0
    clients = Clients(find_port(envsync))
    with clients.asking():
        write(folder, 2)
        never = Patience(seconds=None)
        updated = update("churn", lambda plan: plan, reporter=SilentReporter(), patience=never)
        wait_until(lambda: 2 in clients.answers, "the new code")

    assert updated.port == find_port(envsync)
    assert set(map(str, clients.answers)) == {"1", "2"}
    assert services.is_dir()


def test_the_next_server_takes_the_port_though_the_one_before_is_killed(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    assert envsync("serve", "app", *OPTIONS, "--port", "0").status == 0
    port = find_port(envsync)
    first = read_identity(services / "churn/current")
    assert first is not None
    write(folder, 2, "time.sleep(1)")
    results: list[Done] = []
    again = ("service", "update", "churn")
    updating = threading.Thread(target=lambda: results.append(envsync(*again)))
    updating.start()
    wait_until(lambda: read_identity(services / "churn/2") is not None, "another server")
    time.sleep(0.3)
    first.send(signal.SIGKILL)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("POST", "/score", body="{}")
        answer = json.loads(connection.getresponse().read())
    updating.join()

    assert answer == 2
    assert results[0].status == 0


def test_only_the_owner_can_take_the_port_of_a_service(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    assert envsync("serve", folder.name, *OPTIONS, "--port", "0").status == 0
    door = services / "churn/current/control"
    assert door.is_socket()
    assert oct(door.stat().st_mode & 0o777) == "0o600"


@pytest.mark.e2e
def test_a_server_that_hangs_is_not_waited_for(
    envsync: Callable[..., Done], folder: Path, services: Path
) -> None:
    assert envsync("serve", folder.name, *OPTIONS, "--port", "0", "--grace", "0").status == 0
    first = read_identity(services / "churn/current")
    assert first is not None
    first.send(signal.SIGSTOP)
    write(folder, 2)
    updated = envsync("service", "update", "churn")

    assert updated.status == 0, updated.stderr
    assert not first.is_alive()
    assert find_port(envsync)
