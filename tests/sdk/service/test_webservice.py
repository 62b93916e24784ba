"""Web services from Python, as the Azure ML SDK's users write it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.documents import CHECKOUT

from envsync import (
    CondaDependencies,
    DefinitionError,
    Environment,
    EnvsyncError,
    InferenceConfig,
    LocalWebservice,
    Model,
    ScoringError,
    Webservice,
)
from envsync.process import read_identity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from channel import Served

pytestmark = pytest.mark.e2e

SPECS = CHECKOUT / "specs"
SCRIPT = """
import json, os
def init():
    global models
    root = os.environ["AZUREML_MODEL_DIR"]
    models = sorted(os.path.relpath(os.path.join(at, name), root)
                    for at, _, names in os.walk(root) for name in names)
    print("init is done", flush=True)
def run(raw_data):
    data = json.loads(raw_data)
    if data == "fail":
        raise ValueError("no such data")
    return {"models": models, "data": data, "mode": os.environ["MODE"], "version": VERSION}
VERSION = 1
"""


@pytest.fixture
def place(
    channel: Served, private_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Work in a folder with a script, and end what a test leaves running."""
    del channel
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/score.py").write_text(SCRIPT)
    (tmp_path / "one.txt").write_text("1")
    (tmp_path / "two").mkdir()
    (tmp_path / "two/b.txt").write_text("2")
    yield tmp_path
    for path in private_home.glob(".envsync/services/*/[0-9]*"):
        identity = read_identity(path)
        if identity is not None:
            identity.kill()


@pytest.fixture
def environment() -> Environment:
    made = Environment("small")
    made.python.conda_dependencies = CondaDependencies.create(
        python_version="3.11", pip_packages=[], conda_packages=[]
    )
    made.environment_variables = {"MODE": "fast"}
    return made


@pytest.fixture
def service(place: Path, environment: Environment) -> LocalWebservice:
    del place
    config = InferenceConfig("score.py", source_directory="src", environment=environment)
    model = Model(name="one", path="one.txt")
    how = LocalWebservice.deploy_configuration()
    made: LocalWebservice = Model.deploy(None, "small-service", [model], config, how)
    return made


def test_a_service_goes_through_its_life(
    service: LocalWebservice, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service.wait_for_deployment(show_output=True)
    said = capsys.readouterr().out
    first = service.run(json.dumps({"data": [1]}))
    (place / "src/score.py").write_text(SCRIPT.replace("VERSION = 1", "VERSION = 2"))
    service.reload()
    second = service.run({"data": [1]})
    models = [Model(name="one", path="one.txt"), Model(name="two", path="two")]
    service.update(models=models, wait=True)
    third = service.run(b'{"data": [1]}')

    assert "init is done\n" in said
    assert said.endswith(f"The service `small-service` is running at {service.scoring_uri}\n")
    assert first == {"models": ["one.txt"], "data": {"data": [1]}, "mode": "fast", "version": 1}
    assert (second["version"], second["models"]) == (2, ["one.txt"])
    assert third["models"] == ["one/0/one.txt", "two/0/two/b.txt"]
    assert service.state == "running"
    assert str(service.scoring_uri).startswith("http://localhost:")
    assert str(service.swagger_uri).endswith("/swagger.json")
    assert service.get_logs(num_lines=1).count("\n") == 1
    service.delete()
    assert service.state == "deleted"
    with pytest.raises(EnvsyncError, match=r"Cannot call run\(\) when service is deleted\n"):
        service.run("{}")


def test_a_failed_score_has_the_status_and_the_body(service: LocalWebservice) -> None:
    service.wait_for_deployment()
    with pytest.raises(ScoringError) as caught:
        service.run('"fail"')

    assert caught.value.status == 500
    assert b"An unexpected error occurred in scoring script" in caught.value.body
    assert "ValueError: no such data" in service.get_logs()


def test_a_service_is_found_again_by_its_name(service: LocalWebservice) -> None:
    service.wait_for_deployment()
    code = "from envsync import LocalWebservice as Service\n"
    code += "print(Service(None, 'small-service').run('1')['data'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "1\n"
    assert [one.name for one in Webservice.list()] == ["small-service"]
    with pytest.raises(EnvsyncError, match="There is no service `another`"):
        Webservice(name="another")


def test_deploying_again_replaces_the_service(
    service: LocalWebservice, place: Path, environment: Environment
) -> None:
    service.wait_for_deployment()
    uri = service.scoring_uri
    (place / "src/score.py").write_text(SCRIPT.replace("VERSION = 1", "VERSION = 3"))
    config = InferenceConfig("score.py", source_directory="src", environment=environment)
    how = LocalWebservice.deploy_configuration(port=int(str(uri).split(":")[2].split("/")[0]))
    again = Model.deploy("small-service", [], config, how)
    again.wait_for_deployment()

    assert again.scoring_uri == uri
    assert again.run("1")["version"] == 3
    assert len(LocalWebservice.list()) == 1


def test_a_script_that_fails_leaves_a_failed_service_with_its_log(
    place: Path, environment: Environment
) -> None:
    (place / "src/score.py").write_text("def init(): 1 / 0\ndef run(raw_data): pass\n")
    config = InferenceConfig("score.py", source_directory="src", environment=environment)
    service = Model.deploy("small-service", [], config, LocalWebservice.deploy_configuration())
    with pytest.raises(EnvsyncError, match="ended with status 1") as caught:
        service.wait_for_deployment()

    assert "ZeroDivisionError: division by zero" in caught.value.message
    assert service.state == "failed"
    assert "ZeroDivisionError" in service.get_logs()
    service.delete()


def test_nothing_of_the_callers_is_changed(
    service: LocalWebservice, environment: Environment
) -> None:
    service.wait_for_deployment()

    assert environment.environment_variables == {"MODE": "fast"}
    assert "AZUREML_ENTRY_SCRIPT" not in os.environ
    assert environment.origin.source is None


def test_it_works_inside_a_running_event_loop(service: LocalWebservice) -> None:
    async def cell() -> object:
        service.wait_for_deployment()
        service.reload()
        return service.run("1")["data"]

    assert asyncio.run(cell()) == 1


@pytest.mark.parametrize("port", ["6789", -1, 65536, 1.5, True])
def test_what_is_no_port_is_refused(port: object) -> None:
    with pytest.raises(DefinitionError, match="is not a port"):
        LocalWebservice.deploy_configuration(port=port)  # type: ignore[arg-type]  # as users may


def test_without_an_environment_it_says_so(place: Path) -> None:
    del place
    config = InferenceConfig("score.py", source_directory="src")
    with pytest.raises(DefinitionError, match="has no environment"):
        Model.deploy("small-service", [], config, LocalWebservice.deploy_configuration())


def test_the_tutorial_predicts_a_two(place: Path, shared: Path) -> None:
    """The tutorial's own steps 4 and 5, by Python and by curl."""
    kept = shutil.ignore_patterns("model", "conda-lock.yml", "__pycache__")
    shutil.copytree(SPECS / "sklearn-mnist", place / "mnist", ignore=kept)
    environment = Environment.load_from_directory("mnist")
    python = environment.build_local().prefix / "bin/python"
    subprocess.run([python, "mnist/train.py"], check=True, capture_output=True)
    model = Model(name="sklearn_mnist", path="mnist/model/sklearn_mnist_model.pkl")
    config = InferenceConfig(
        entry_script="score.py", source_directory="mnist", environment=environment
    )
    service = Model.deploy("mnist", [model], config, LocalWebservice.deploy_configuration())
    service.wait_for_deployment(show_output=True)
    request = shared / "oracle/tutorial-request.json"
    curl = ["curl", "--silent", "--data-binary", f"@{request}", str(service.scoring_uri)]

    assert service.run(request.read_text()) == [2]
    assert json.loads(subprocess.run(curl, capture_output=True, check=True).stdout) == [2]
    service.delete()
