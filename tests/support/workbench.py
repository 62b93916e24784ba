"""A folder, an engine of a test's own, and commands that run in that engine's network."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from channel import Served, default_cache

from support.images import base_image
from support.servers import engines
from support.servers.engines import OwnEngine, run_engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

BASE = "debian-base:1"
_PATIENCE = 60.0


def why_not() -> str | None:
    """Return what this machine or user lacks for a workbench, or None."""
    return engines.why_not() or base_image.why_not()


@dataclass
class Workbench:
    """Runs commands in the network of *engine*, in a *folder* with a definition `churn`."""

    engine: OwnEngine
    folder: Path
    env: dict[str, str]

    @property
    def definition(self) -> Path:
        return self.folder / "churn"

    def start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.engine.enter, *command],
            cwd=self.folder,
            env=self.env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*command)
        stdout, stderr = process.communicate(timeout=_PATIENCE)
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    def envsync(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "envsync", *arguments)

    def outside(self, *arguments: str) -> None:
        """Run envsync in this machine's network, where channels are."""
        command = [sys.executable, "-m", "envsync", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def deploy(self, *more: str) -> subprocess.CompletedProcess[str]:
        options = ("--docker", "--detach", "--base", BASE, "--port", "0", *more)
        return self.envsync("serve", "churn", *options)

    def list(self) -> list[dict[str, Any]]:
        done = self.envsync("service", "list", "--json")
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found

    def ask(self, uri: str | None = None) -> Any:
        chosen = uri or self.list()[0]["scoring_uri"]
        done = self.run("curl", "--silent", "--show-error", "-d", "{}", chosen)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def containers(self) -> list[str]:
        return self.run("docker", "ps", "-aq").stdout.split()


@contextlib.contextmanager
def open_workbench(
    served: Served, rattler_cache: Path, folder: Path, requirements: Sequence[str] = ()
) -> Iterator[Workbench]:
    """Give a workbench whose engine has the base image and the image of the definition `churn`.

    *requirements* are what the definition asks of pip.
    """
    (folder / "config.toml").write_text(served.config)
    env = {name: value for name, value in os.environ.items() if not name.startswith("ENVSYNC_")}
    env |= {"HOME": str(folder), "ENVSYNC_HOME": str(folder / "home")}
    env |= {"ENVSYNC_CONFIG": str(folder / "config.toml"), "NO_PROXY": "127.0.0.1,localhost"}
    env |= {"RATTLER_CACHE_DIR": str(rattler_cache), "UV_CACHE_DIR": str(default_cache() / "uv")}
    with run_engine(has_bridge=True) as engine:
        env["DOCKER_HOST"] = engine.host
        bench = Workbench(engine, folder, env)
        archive = base_image.make_base_archive(default_cache())
        command = ["docker", "import", str(archive), BASE]
        subprocess.run(command, env=env, check=True, capture_output=True)
        _define(bench, requirements)
        yield bench


def _define(bench: Workbench, requirements: Sequence[str]) -> None:
    folder = bench.definition
    (folder / "model").mkdir(parents=True)
    (folder / "model/m.txt").write_text("old model")
    definition = {"name": "churn", "environmentVariables": {"TOKEN": "s3cret"}}
    (folder / "azureml_environment.json").write_text(json.dumps(definition))
    dependencies: list[object] = ["python", "six=1.17"]
    if requirements:
        dependencies += ["pip", {"pip": list(requirements)}]
    conda = {"channels": ["conda-forge"], "dependencies": dependencies}
    (folder / "conda_dependencies.yml").write_text(json.dumps(conda))
    bench.outside("lock", "churn")
    bench.outside("build-local", "churn", "--docker", "--base", BASE)
