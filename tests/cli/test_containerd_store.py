"""Images in an engine that keeps them in containerd, by the digests of their manifests."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest
from support.images.base_image import import_base, make_base_archive, make_engine_root
from support.images.base_image import why_not as why_no_root
from support.servers.engines import find_config, run_engine, why_not

from envsync.adapters.docker_engine import connect
from envsync.image.store.layer_cache import LayerCache
from envsync.prefix.location import find_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Done
    from support.servers.engines import OwnEngine

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

_BUILD = ("build-local", "d", "--docker", "--tag", "kept:1")


@pytest.fixture(scope="module")
def store(lasting_cache: Path) -> Iterator[OwnEngine]:
    if lack := why_not() or why_no_root():
        pytest.skip(lack)
    with run_engine(root=make_engine_root(lasting_cache)) as engine:
        yield engine


@pytest.fixture
def base(store: OwnEngine, lasting_cache: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a bare Debian in the engine, which has no image of envsync's."""
    monkeypatch.setenv("DOCKER_HOST", store.host)
    docker("image", "prune", "--all", "--force", "--filter", "label=envsync.lock")
    with connect() as engine:
        return import_base(engine, make_base_archive(lasting_cache))


@pytest.fixture
def build(locked: Callable[..., Done], base: str) -> Callable[..., Done]:
    """Return `envsync build-local d --docker` with more arguments."""

    def run(*more: str) -> Done:
        return locked(*_BUILD, "--base", base, *more)

    return run


def docker(*arguments: str) -> str:
    command = ["docker", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def run_python(code: str) -> str:
    """Return what Python prints in the image."""
    with connect() as engine:
        done = engine.run("kept:1", ["python", "-c", code], read_only={})
    assert done.status == 0, done.stderr
    return done.stdout.strip()


def find_id() -> str:
    return docker("image", "inspect", "kept:1", "--format", "{{.Id}}")


def describe(done: Done) -> str:
    """Return what is said of the engine."""
    assert done.status == 0, done.stderr
    return next(line for line in done.stderr.splitlines() if line.startswith("Docker Engine: "))


def test_the_engine_names_the_image_by_the_manifest_that_was_foreseen(
    build: Callable[..., Done], tmp_path: Path
) -> None:
    done = build("--print-id", "--output", "image.tar")
    with tarfile.open(tmp_path / "image.tar") as archive:
        index = json.loads(archive.extractfile("index.json").read())  # type: ignore[union-attr]
    foreseen = index["manifests"][0]["digest"]

    assert describe(done).endswith(f"as `{foreseen}`")
    assert find_id() == foreseen
    with connect() as engine:
        assert find_config(engine, "kept:1") == done.stdout.strip()
    assert run_python("import six, idna; print(six.__version__)") == "1.17.0"

    docker("rmi", "--force", "kept:1")
    docker("load", "--input", "image.tar")
    assert find_id() == foreseen


def test_another_time_of_making_is_another_image(
    build: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    build()
    before = find_id()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    done = build()

    assert describe(done).startswith("Docker Engine: 0 new layers, ")
    assert find_id() != before
    assert docker("image", "inspect", "kept:1", "--format", "{{.Created}}") == (
        "2023-11-14T22:13:20Z"
    )


def test_a_change_to_one_package_sends_its_layer_and_no_other(
    build: Callable[..., Done], define: Callable[..., Path], locked: Callable[..., Done]
) -> None:
    first = build()
    second = build()
    define("python", "six=1.16", pip=("idna==3.10",), environmentVariables={"GREETING": "hello"})
    assert locked("lock", "d").status == 0
    third = build()

    assert ", 0 reused" in describe(first)
    assert "nothing to do" in describe(second)
    assert describe(second).rpartition(" ")[2] == describe(first).rpartition(" ")[2]
    assert "Docker Engine: 1 new layer (" in describe(third)
    assert run_python("import six; print(six.__version__)") == "1.16.0"


def test_a_tag_that_was_taken_away_is_given_back(build: Callable[..., Done]) -> None:
    build()
    name = find_id()
    docker("tag", "kept:1", "other:1")
    docker("rmi", "kept:1")
    again = build()

    assert describe(again).startswith("Docker Engine: 0 new layers, ")
    assert find_id() == name


def test_an_image_that_was_taken_away_comes_whole_again(build: Callable[..., Done]) -> None:
    first = build()
    docker("rmi", "--force", "kept:1")
    again = build()

    assert describe(again) == describe(first)
    assert run_python("import idna; print(idna.__version__)") == "3.10"


def test_an_engine_that_lacks_what_it_was_believed_to_have_gets_it_all(
    build: Callable[..., Done],
    define: Callable[..., Path],
    locked: Callable[..., Done],
    base: str,
) -> None:
    build()
    name = find_id().removeprefix("sha256:")
    define("python", "six=1.16", pip=("idna==3.10",), environmentVariables={"GREETING": "hello"})
    assert locked("lock", "d").status == 0
    assert locked("build-local", "d", "--base", base, "--output", "other.tar").status == 0
    with tarfile.open("other.tar") as archive:
        manifest = json.loads(archive.extractfile("manifest.json").read())  # type: ignore[union-attr]
    claimed = [f"sha256:{layer.rpartition('/')[2]}" for layer in manifest[0]["Layers"]]
    LayerCache(find_home() / "cache/layers").loaded.write(name, claimed)
    done = build()

    assert ", 0 reused" in describe(done)
    assert run_python("import six; print(six.__version__)") == "1.16.0"


def test_what_is_in_the_image_is_read_and_verified(
    build: Callable[..., Done], locked: Callable[..., Done]
) -> None:
    build()
    done = locked("verify", "d", "--image", "kept:1")

    assert done.status == 0, done.stderr


def test_two_builds_at_a_time_end_in_one_whole_image(build: Callable[..., Done], base: str) -> None:
    build()
    name = find_id()
    docker("rmi", "--force", "kept:1")
    command = [sys.executable, "-m", "envsync", *_BUILD, "--base", base]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    outputs = [process.communicate() for process in processes]

    assert [process.returncode for process in processes] == [0, 0], outputs
    assert find_id() == name
    assert run_python("import six; print(six.__version__)") == "1.17.0"
