"""Run commands in this process, in a folder of their own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest
from support.images.base_archive import write_base
from support.servers.registries import run_registry, why_not

from envsync.cli import main
from envsync.process import read_identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from channel import Served

    from envsync.adapters.docker_engine import DockerEngine


class Done(NamedTuple):
    status: int
    stdout: str
    stderr: str


@pytest.fixture
def envsync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Run `envsync` with some arguments in the test's folder; return how it ended."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert isinstance(caught.value.code, int)
        return Done(caught.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def define(tmp_path: Path) -> Callable[..., Path]:
    """Write a definition called `d` into the test's folder, in place of one that is there."""

    def write(*dependencies: str, pip: tuple[str, ...] = (), **more: object) -> Path:
        directory = tmp_path / "d"
        directory.mkdir(exist_ok=True)
        items = [*dependencies, *([{"pip": list(pip)}] if pip else [])]
        (directory / "azureml_environment.json").write_text(
            json.dumps({"name": "d", "environmentVariables": {}, **more})
        )
        (directory / "conda_dependencies.yml").write_text(
            json.dumps({"channels": ["conda-forge"], "dependencies": items}, indent=1)
        )
        return directory

    return write


@pytest.fixture
def locked(
    envsync: Callable[..., Done], define: Callable[..., Path], channel: Served, tmp_path: Path
) -> Callable[..., Done]:
    """Return `envsync` in a folder with a locked definition `d` and a base image `base.tar`."""
    del channel
    write_base(tmp_path / "base.tar")
    define("python", "six=1.17", pip=("idna==3.10",), environmentVariables={"GREETING": "hello"})
    assert envsync("lock", "d").status == 0
    return envsync


@pytest.fixture
def empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing at hand that an earlier test has fetched."""
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "rattler"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    if lack := why_not():
        pytest.skip(lack)
    with run_registry(tmp_path / "registry") as address:
        yield address


@pytest.fixture
def define_upon(define: Callable[..., Path], channel: Served) -> Callable[..., Path]:
    """Write a definition `d` upon a base image."""
    del channel

    def write(image: str | None, *packages: str, **registry: str) -> Path:
        docker = {"baseImage": image, "baseImageRegistry": registry}
        return define("python", *packages, docker=docker)

    return write


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


@pytest.fixture
def services(private_home: Path, no_engine: None) -> Iterator[Path]:
    """Return where the services lie; whatever a test leaves running is ended."""
    del no_engine
    place = private_home / ".envsync/services"
    yield place
    for path in place.glob("*/[0-9]*"):
        identity = read_identity(path)
        if identity is not None:
            identity.kill()


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
