"""Every command line in README and guide runs, page by page, in the order of the page."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.documents import (
    CHECKOUT,
    DOCUMENTS,
    GUIDE,
    README,
    Command,
    list_blocks,
    list_commands,
    list_pictured,
    make_world,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from channel import Served

pytestmark = pytest.mark.e2e

# What can't run here, and why; `test_text.py` parses the envsync commands among them.
NOT_RUN = {
    "python3 tests/": "the walk has its own test, and the check runs this one",
    "uv tool install conda-envsync": "needs the release on the package index",
    "pipx install conda-envsync": "likewise",
    "python3 -m venv .venv": "likewise",
    "envsync score churn --data churn/request.json --debug-port": "waits for a debugger",
    "nc localhost": "is that debugger",
}
_BASE = "debian:12-slim"
_TO_V1 = (
    f"envsync save-to-directory churn v1 --image {_BASE} && rm churn/environment.yml"
    " && mv v1/* churn/"
)
_TRAIN = "envsync run churn python churn/train.py"

# What a page takes for granted.
BEFORE = {
    "images.md": _TO_V1,
    "pip.md": "tar -czf source/greeter-1.2.tar.gz greeter-1.2",
    "serving.md": _TO_V1,
    "services.md": _TO_V1,
}
DOCKER = {"README.md", "images.md", "serving.md", "services.md"}
SERVERS_SECONDS = 120
_BASH = shutil.which("bash") or "/bin/bash"


@dataclass
class World:
    """A folder in which commands run, each `churn` there under a name that no one else has."""

    folder: Path
    base_image: str
    name: str = field(default_factory=lambda: f"churn{uuid.uuid4().hex[:6]}")
    ports: dict[str, str] = field(default_factory=dict)
    servers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def adapt(self, text: str) -> str:
        ours = {"churn": self.name, _BASE: self.base_image, **self.ports}
        return re.sub("|".join(map(re.escape, ours)), lambda shown: ours[shown[0]], text)

    def run(self, command: Command) -> None:
        """Run *command* and compare its status, and what it prints, with what is shown."""
        line = self.with_port(self.adapt(command.line))
        if line.startswith("envsync serve ") and "--detach" not in line:
            self.start(line)
            return
        status, printed = self.shell(line)
        assert (status != 0) == command.fails, f"$ {line}\n{printed}"
        shown = [self.adapt(it) for it in command.output]
        assert find_missing(shown, printed) is None, f"$ {line}\n{printed}"

    def shell(self, line: str) -> tuple[int, str]:
        """Run *line*, and return its status and all that it prints."""
        done = subprocess.run(
            [_BASH, "-c", line],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def with_port(self, line: str) -> str:
        is_server = line.startswith("envsync serve") and "--port" not in line
        return f"{line.partition('  #')[0]} --port {self.ports['6789']}" if is_server else line

    def start(self, line: str) -> None:
        """Start the server of *line* and wait until it answers."""
        log = self.folder / f"server-{len(self.servers)}.log"
        with log.open("wb") as stream:
            server = subprocess.Popen(
                [_BASH, "-c", f"exec {line}"],
                cwd=self.folder,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        self.servers.append(server)
        deadline = time.monotonic() + SERVERS_SECONDS
        while "Ready: " not in log.read_text(encoding="utf-8"):
            assert server.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.1)

    def end(self) -> None:
        """Stop what was left running, and remove the images."""
        for server in self.servers:
            server.send_signal(signal.SIGINT)
        for server in self.servers:
            server.wait(timeout=SERVERS_SECONDS)
        _, services = self.shell("envsync service list")
        for name in re.findall(rf"^{self.name}\S*", services, re.MULTILINE):
            self.shell(f"envsync service delete {name}")
        if self.base_image != _BASE:
            images = f"$(docker image ls --quiet --filter 'reference={self.name}*')"
            self.shell(f"docker image rm --force {images}")


def find_missing(shown: list[str], printed: str) -> str | None:
    """Return the first line of *shown* that is not *printed* in its turn; `…` is for anything."""
    lines = iter(printed.splitlines())
    for line in shown:
        pattern = re.escape(" ".join(line.split())).replace("…", ".*")
        if not any(re.fullmatch(pattern, " ".join(each.split())) for each in lines):
            return line
    return None


@pytest.fixture
def world(
    request: pytest.FixtureRequest,
    channel: Served,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """Return a folder with the guide's example in it, and a git repository."""
    del channel
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "A Person")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "person@example.org")
    needs_docker = request.node.get_closest_marker("docker") is not None
    base_image = request.getfixturevalue("base_image") if needs_docker else _BASE
    made = World(folder=tmp_path / "world", base_image=base_image)
    made.ports = {shown: str(find_port()) for shown in ("6789", "6790")}
    make_world(made.folder)
    try:
        yield made
    finally:
        made.end()


def find_port() -> int:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listening:
        port: int = listening.getsockname()[1]
        return port


def name_world(world: World) -> None:
    """Give the example in *world* its own name."""
    for path in [it for it in world.folder.rglob("*") if it.is_file()]:
        path.write_text(world.adapt(path.read_text(encoding="utf-8")), encoding="utf-8")
    (world.folder / "churn").rename(world.folder / world.name)
    world.shell("git init --quiet")


def list_runnable(document: Path) -> list[Command]:
    commands = list_commands(document.read_text(encoding="utf-8"))
    return [it for it in commands if not it.line.startswith(tuple(NOT_RUN))]


def write_shown_files(text: str, world: World) -> None:
    for block in list_blocks(text):
        if block.path is not None:
            path = world.folder / block.path
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text, encoding="utf-8")


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(
            it,
            marks=[pytest.mark.docker] if it.name in DOCKER else [],
            id=str(it.relative_to(CHECKOUT)),
        )
        for it in DOCUMENTS
        if list_runnable(it)
    ],
)
def test_every_command_of_a_page_runs(document: Path, world: World) -> None:
    text = document.read_text(encoding="utf-8")
    write_shown_files(text, world)
    name_world(world)

    world.run(Command(line=BEFORE.get(document.name, "true"), output=()))
    for command in list_runnable(document):
        world.run(command)


def test_the_picture_is_what_its_commands_print(world: World) -> None:
    text = README.read_text(encoding="utf-8")
    write_shown_files(text, world)
    name_world(world)

    for number, command in enumerate(list_pictured()):
        world.run(command)
        if number == 1:
            world.run(Command(line=_TRAIN, output=()))


@pytest.mark.parametrize(
    ("document", "printed"),
    [(README, "…/.envsync/envs/churn"), (GUIDE / "python.md", "[1.25]")],
    ids=["README", "python"],
)
def test_the_python_code_of_a_page_runs(document: Path, printed: str, world: World) -> None:
    text = document.read_text(encoding="utf-8")
    write_shown_files(text, world)
    name_world(world)
    code = "".join(it.text for it in list_blocks(text) if it.kind == "python" and not it.path)
    (world.folder / "code.py").write_text(world.adapt(code), encoding="utf-8")

    world.run(Command(line="python code.py", output=(printed,)))
