from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Done

    from envsync.adapters.docker_engine import DockerEngine

pytestmark = [pytest.mark.e2e, pytest.mark.docker]


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
    assert "Error: `MANY` has a line break, which a Dockerfile can't contain\n" in done.stderr
    assert list(tmp_path.glob("*context*")) == []


def test_a_docker_context_takes_the_base_that_a_failure_asks_for(
    locked: Callable[..., Done], base_image: str, tmp_path: Path
) -> None:
    options = ("save-to-directory", "--docker-context", "d", "context")
    failed = locked(*options)
    done = locked(*options, "--base", base_image)

    assert failed.stderr == (
        "Error: The definition names no base image\nHint: name one with `--base`\n"
    )
    assert done.status == 0, done.stderr
    assert (tmp_path / "context/Dockerfile").is_file()


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
