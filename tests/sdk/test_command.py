"""The face at work: scripts that lock, build and check, against the embedded channel."""

from __future__ import annotations

import asyncio
import runpy
import subprocess
from typing import TYPE_CHECKING

import pytest
from support.documents import GUIDE, list_blocks
from support.servers.engines import find_config

from envsync import (
    CondaDependencies,
    Environment,
    EnvsyncError,
    LockOptions,
    StaleLockError,
    UnsatisfiableError,
)
from envsync.remedy import say

if TYPE_CHECKING:
    from pathlib import Path

    from channel import Served

    from envsync.adapters.docker_engine import DockerEngine

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("channel")]


class Heard:
    """Keeps what a reporter is told."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, text: str, *, total: int | None = None) -> None:
        del total
        self.steps.append(text)

    def advance(self) -> None:
        pass

    def note(self, text: str) -> None:
        del text


def small(name: str = "small", *conda: str, pip: tuple[str, ...] = ()) -> Environment:
    environment = Environment(name)
    environment.python.conda_dependencies = CondaDependencies.create(
        conda_packages=list(conda), pip_packages=list(pip), python_version=">=3.9"
    )
    return environment


SIX = "import six; print(six.__version__)"


def run_in(prefix: Path, code: str) -> str:
    done = subprocess.run(
        [prefix / "bin/python", "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_script_of_the_tutorial_runs_without_its_workspace(
    private_home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # ws = Workspace.from_config()  is dropped, and so is  myenv.register(workspace=ws)
    myenv = Environment(name="myenv")
    conda_dep = CondaDependencies()
    conda_dep.set_python_version(">=3.9")
    conda_dep.add_conda_package("six=1.17")
    conda_dep.remove_pip_package("azureml-defaults")
    conda_dep.add_pip_package("httpx==0.28.1")
    myenv.python.conda_dependencies = conda_dep
    myenv.environment_variables = {"GREETING": "hello"}
    built = myenv.build_local(useDocker=False)

    assert built.prefix == private_home / ".envsync/envs/myenv"
    assert built.changed
    code = "import six, httpx; print(six.__version__, httpx.__version__)"
    assert run_in(built.prefix, code) == "1.17.0 0.28.1"
    assert myenv.check().is_fresh
    assert not myenv.build_local().changed
    assert capfd.readouterr() == ("", "")


def test_the_example_in_the_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = list_blocks((GUIDE / "python.md").read_text(encoding="utf-8"))
    script = tmp_path / "example.py"
    script.write_text(next(it.text for it in blocks if it.kind == "python"), encoding="utf-8")

    env = runpy.run_path(str(script))["env"]

    assert env.check().is_fresh
    assert run_in(env.build_local().prefix, SIX) == "1.17.0"
    assert (tmp_path / "churn-sdk/conda-lock.yml").exists()


def test_what_is_changed_is_what_is_built() -> None:
    environment = small("changing", "six=1.16")
    assert run_in(environment.build_local().prefix, SIX) == "1.16.0"

    assert environment.python.conda_dependencies is not None
    environment.python.conda_dependencies.add_conda_package("six=1.17")

    reasons = environment.check().reasons
    assert reasons == ("`changing` changed `six=1.16` to `six=1.17`",)
    built = environment.build_local()
    assert built.changed
    assert run_in(built.prefix, SIX) == "1.17.0"


def test_a_lock_in_the_authors_directory_is_created_once_and_never_changed(
    tmp_path: Path,
) -> None:
    directory = tmp_path / "churn"
    small("churn", "six=1.16").save_to_directory(directory)
    environment = Environment.load_from_directory(directory)
    built = environment.build_local(prefix=tmp_path / "env")
    lock = (directory / "conda-lock.yml").read_bytes()
    assert built.prefix == tmp_path / "env"

    assert environment.python.conda_dependencies is not None
    environment.python.conda_dependencies.add_conda_package("six=1.17")
    environment.save_to_directory(directory, overwrite=True)
    with pytest.raises(StaleLockError) as caught:
        environment.build_local(prefix=tmp_path / "env")
    assert say(caught.value.hint or "") == (
        "run `Environment.lock()`, or take the lock as it is with `frozen=True`"
    )
    environment.build_local(prefix=tmp_path / "env", frozen=True)
    assert run_in(built.prefix, SIX) == "1.16.0"
    assert (directory / "conda-lock.yml").read_bytes() == lock

    assert [change.name for change in environment.lock().changes] == ["six"]
    environment.build_local(prefix=tmp_path / "env")
    assert run_in(built.prefix, SIX) == "1.17.0"


def test_a_reporter_hears_of_each_step_and_options_reach_the_lock(tmp_path: Path) -> None:
    directory = tmp_path / "d"
    environment = small("d", "six")
    environment.save_to_directory(directory)
    heard = Heard()

    outcome = environment.lock(LockOptions(cut_off="2999-01-01"), reporter=heard)

    assert outcome.path == directory / "conda-lock.yml"
    assert outcome.was_written
    assert "2999-01-01" in outcome.path.read_text()
    assert any(step.startswith("Solving conda packages") for step in heard.steps)
    assert not environment.lock().was_written


@pytest.mark.docker
def test_an_image_of_it_is_made_in_the_engine(docker_engine: DockerEngine, base_image: str) -> None:
    environment = small("Churn_Model", "six=1.17")
    environment.docker.base_image = base_image
    environment.environment_variables = {"GREETING": "hello"}

    image = environment.build_local(use_docker=True)

    assert image.tags == ("churn-model:latest",)
    assert find_config(docker_engine, "churn-model:latest") == image.id
    assert environment.build_local(None, "Linux", useDocker=True) == image


@pytest.mark.docker
def test_an_image_of_what_is_user_managed_needs_no_lock(
    docker_engine: DockerEngine, base_image: str
) -> None:
    environment = Environment.from_docker_image("managed", base_image)

    image = environment.build_local(use_docker=True)

    assert docker_engine.find_image(image.tags[0]) is not None
    assert not environment.check().path.exists()


def test_without_an_engine_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    environment = Environment.from_docker_image("engineless", "scratch")

    with pytest.raises(EnvsyncError, match="Cannot reach the Docker daemon"):
        environment.build_local(use_docker=True)


def test_it_works_where_an_event_loop_runs_already() -> None:
    async def cell() -> Path:  # a notebook's cells run so
        return small("notebook", "six").build_local().prefix

    assert (asyncio.run(cell()) / "bin/python").exists()


def test_an_environment_that_cannot_be_is_an_error_with_its_reasons(
    private_home: Path,
) -> None:
    environment = small("impossible", "six=99")

    with pytest.raises(UnsatisfiableError) as caught:
        environment.build_local()

    assert any("six" in reason for reason in caught.value.reasons)
    assert not (private_home / ".envsync/envs/impossible").exists()


def test_an_existing_environment_becomes_a_definition_that_builds_it_again(channel: Served) -> None:
    del channel
    first = small("first", "six=1.16", pip=("httpx==0.28.1",)).build_local()

    for named in ("first", first.prefix):
        again = Environment.from_existing_conda_environment("again", named)
        again.docker.platform.os = "Linux"

        dependencies = again.python.conda_dependencies
        assert again.name == "again"
        assert dependencies is not None
        assert "six=1.16" in dependencies.conda_packages
        assert "httpx==0.28.1" in dependencies.pip_packages

    built = again.build_local()
    code = "import six, httpx; print(six.__version__, httpx.__version__)"
    assert run_in(built.prefix, code) == "1.16.0 0.28.1"
