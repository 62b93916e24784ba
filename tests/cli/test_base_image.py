"""The base image of a definition, from its tag to the digest in its lock."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING

import pytest
from support.images.base_locks import locked_base
from support.servers.registries import (
    digest_of,
    run_scripted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from channel import Served
    from conftest import Done
    from support.servers.registries import Answer, Scripted


pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("no_engine")]

OLD, NEW = digest_of(b"old"), digest_of(b"new")
WRONG = "not-the-password"
NOWHERE = "127.0.0.1:1/team/base:1"


@pytest.fixture
def tags() -> dict[str, str]:
    """Return the digests of the tags that `server` has, of which there is one at first."""
    return {"1": OLD}


@pytest.fixture
def server(tags: dict[str, str]) -> Iterator[Scripted]:
    def answer(method: str, path: str, earlier: int) -> Answer:
        del method, earlier
        tag = path.rpartition("/")[2]
        if "/manifests/" in path and tag in tags:
            return 200, {"Docker-Content-Digest": tags[tag]}, b"{}"
        return (200, {}, b"{}") if path == "/v2/" else (404, {}, b"{}")

    with run_scripted(answer) as started:
        yield started


@pytest.fixture
def name(server: Scripted) -> str:
    """Return the name of the image that `server` has."""
    return f"{server.address}/team/base:1"


def test_a_digest_is_locked_and_kept_until_it_is_to_move(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    name: str,
    tags: dict[str, str],
    server: Scripted,
) -> None:
    directory = define_upon(name)
    first = envsync("lock", "d")
    tags["1"] = NEW
    define_upon(name, "six")
    envsync("lock", "d")
    kept = locked_base(directory)
    moved = envsync("lock", "d", "--update", f"{server.address}/team/base")
    new = locked_base(directory)
    tags["1"] = OLD
    upgraded = envsync("lock", "d", "--upgrade")

    assert f"Base image `{name}`: `{OLD}`\n" in first.stderr
    assert (kept, new) == (f"{name}@{OLD}", f"{name}@{NEW}")
    assert moved.stderr.startswith(f"Base image `{name}`: `{OLD}` → `{NEW}`\n")
    assert "Solving" not in moved.stderr
    assert f"`{NEW}` → `{OLD}`" in upgraded.stderr
    assert locked_base(directory) == f"{name}@{OLD}"


def test_moving_the_digest_alone_gives_the_bytes_that_locking_afresh_does(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    name: str,
    tags: dict[str, str],
) -> None:
    directory = define_upon(name, "six")
    assert envsync("lock", "d", "--exclude-newer", "2090-01-01").status == 0
    tags["1"] = NEW
    assert envsync("lock", "d", "--update", name).status == 0
    moved = (directory / "conda-lock.yml").read_bytes()
    (directory / "conda-lock.yml").unlink()
    assert envsync("lock", "d", "--exclude-newer", "2090-01-01").status == 0

    assert (directory / "conda-lock.yml").read_bytes() == moved


def test_a_fresh_lock_asks_nobody_again(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    name: str,
    server: Scripted,
) -> None:
    define_upon(name)
    envsync("lock", "d")
    asked = len(server.requests)
    again, checked = envsync("lock", "d"), envsync("check", "d")

    assert asked > 0
    assert len(server.requests) == asked
    assert again.stderr == "`d/conda-lock.yml` is unchanged\n"
    assert checked == (0, "`d/conda-lock.yml` is fresh\n", "")


def test_definitions_upon_one_image_ask_once(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    name: str,
    server: Scripted,
    tmp_path: Path,
) -> None:
    directory = define_upon(name)
    for other in ("e", "f"):
        shutil.copytree(directory, tmp_path / other)
    done = envsync("lock", "d", "e", "f")

    assert done.status == 0, done.stderr
    assert server.requests.count("HEAD /v2/team/base/manifests/1") == 1
    assert locked_base(tmp_path / "e") == locked_base(tmp_path / "f") == locked_base(directory)


@pytest.mark.parametrize(
    ("docker", "dockerfile", "expected"),
    [
        ({"baseImage": f"{NOWHERE}@{OLD}"}, None, f"{NOWHERE}@{OLD}"),
        ({"baseImage": "scratch"}, None, "scratch"),
        ({"baseImage": "./base.tar"}, None, "./base.tar"),
        ({}, f"FROM {NOWHERE}\n", ""),
        ({}, None, ""),
    ],
)
def test_what_has_no_tag_needs_no_question(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    channel: Served,
    docker: dict[str, str],
    dockerfile: str | None,
    expected: str,
) -> None:
    del channel
    directory = define("python", docker=docker)
    if dockerfile is not None:
        (directory / "BaseDockerfile").write_text(dockerfile, encoding="utf-8")
    done = envsync("lock", "d")

    assert done.status == 0
    assert locked_base(directory) == expected
    assert "ase image" not in done.stderr
    assert envsync("check", "--online", "d").status == (1 if OLD in expected else 0)


def test_a_registry_that_is_not_there_is_a_note_and_the_lock_is_good(
    envsync: Callable[..., Done], define_upon: Callable[..., Path]
) -> None:
    directory = define_upon(NOWHERE)
    first, second = envsync("lock", "d"), envsync("lock", "d")
    note = "The lock has no digest of the base image"

    assert first.status == second.status == 0
    reason = "Cannot reach the registry `127.0.0.1:1`: Connection refused"
    assert f"{note}: {reason}\n" in first.stderr
    assert second.stderr == "`d/conda-lock.yml` is unchanged\n"
    assert locked_base(directory) == NOWHERE
    assert envsync("check", "d").status == 0
    assert envsync("check", "--online", "d") == (
        1,
        "`d/conda-lock.yml` is fresh\n",
        (
            f"Error: `d/conda-lock.yml` has no digest of the base image `{NOWHERE}`\n"
            f"Hint: run `envsync lock d --update {NOWHERE}`\n"
        ),
    )


def test_a_digest_that_was_asked_for_by_name_must_be_had(
    envsync: Callable[..., Done], define_upon: Callable[..., Path]
) -> None:
    directory = define_upon(NOWHERE)
    envsync("lock", "d")
    before = (directory / "conda-lock.yml").read_bytes()
    alone = envsync("lock", "d", "--update", NOWHERE)
    beside = envsync("lock", "d", "--update", NOWHERE, "--update", "python")

    for done in (alone, beside):
        assert done.status == 1
        assert "Error: Cannot reach the registry `127.0.0.1:1`: Connection refused\n" in done.stderr
    assert (directory / "conda-lock.yml").read_bytes() == before


def test_upgrading_out_of_reach_of_the_registry_keeps_the_digest(
    envsync: Callable[..., Done], define_upon: Callable[..., Path]
) -> None:
    directory = define_upon(f"{NOWHERE}@{OLD}")
    envsync("lock", "d")
    define_upon(NOWHERE)
    fresh, done = envsync("check", "d"), envsync("lock", "d", "--upgrade")

    assert (fresh.status, done.status) == (0, 0)
    assert f"Base image `{NOWHERE}` stays at `{OLD}`: Cannot reach" in done.stderr
    assert locked_base(directory) == f"{NOWHERE}@{OLD}"


def test_a_package_of_the_images_name_is_what_is_updated(
    envsync: Callable[..., Done], define_upon: Callable[..., Path]
) -> None:
    define_upon("python", address="127.0.0.1:1")
    envsync("lock", "d")
    package = envsync("lock", "d", "--update", "python")
    image = envsync("lock", "d", "--update", "python:latest")

    assert package.status == 0
    assert "Solving conda packages" in package.stderr
    assert "The lock has no digest of the base image: Cannot reach" in package.stderr
    assert image.status == 1


def test_another_image_than_the_definitions_is_not_updated_and_said(
    envsync: Callable[..., Done], define_upon: Callable[..., Path]
) -> None:
    define_upon("./base.tar")
    envsync("lock", "d")

    assert envsync("lock", "d", "--update", "team/other:1") == (
        0,
        "",
        (
            "`team/other:1` is not updated: the base image of `d` is `./base.tar`\n"
            "`d/conda-lock.yml` is unchanged\n"
        ),
    )


def test_offline_no_registry_is_asked(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    name: str,
    server: Scripted,
) -> None:
    directory = define_upon(name)
    envsync("lock", "d")  # for the cache of repodata
    (directory / "conda-lock.yml").unlink()
    asked = len(server.requests)
    done = envsync("lock", "d", "--offline")

    assert done.status == 0
    assert "base image: `--offline` asks no registry\n" in done.stderr
    assert len(server.requests) == asked


def test_a_registry_that_hangs_is_left_in_time(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ENVSYNC_REGISTRY_TIMEOUT", "0.3")
    with run_scripted(lambda method, path, earlier: None) as server:  # noqa: ARG005
        define_upon(f"{server.address}/team/base:1")
        start = time.monotonic()
        locked = envsync("lock", "d")
        updated = envsync("lock", "d", "--update", f"{server.address}/team/base:1")
        assert time.monotonic() - start < 10

    silence = f"Cannot reach the registry `{server.address}`: no answer within 0.3 s"
    assert locked.status == 0
    assert f"base image: {silence}\n" in locked.stderr
    assert updated == (
        1,
        "",
        (
            f"Error: {silence}\n"
            "Hint: check its name and the network, or set `ENVSYNC_REGISTRY_TIMEOUT` to more "
            "seconds\n"
        ),
    )


def test_a_time_that_is_none_is_said(
    envsync: Callable[..., Done], define_upon: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVSYNC_REGISTRY_TIMEOUT", "soon")
    define_upon(NOWHERE)

    assert envsync("lock", "d") == (
        2,
        "",
        "Error: `ENVSYNC_REGISTRY_TIMEOUT` is `soon`, and not a number of seconds\n",
    )


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (f"{NOWHERE}", "other:1", f"changed the base image `{NOWHERE}` to `other:1`"),
        (f"{NOWHERE}", None, f"no longer has the base image `{NOWHERE}`"),
        (None, NOWHERE, f"added the base image `{NOWHERE}`"),
        (f"{NOWHERE}@{OLD}", f"{NOWHERE}@{NEW}", f"`{NOWHERE}@{OLD}` to `{NOWHERE}@{NEW}`"),
    ],
)
def test_another_image_makes_the_lock_stale(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    before: str | None,
    after: str | None,
    text: str,
) -> None:
    define_upon(before)
    envsync("lock", "d")
    define_upon(after)
    done = envsync("check", "d")

    assert done.status == 1
    assert "is stale: `azureml_environment.json`" in done.stderr
    assert text in done.stderr


def test_a_moved_tag_makes_no_lock_stale_and_is_told_online(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    name: str,
    tags: dict[str, str],
    server: Scripted,
) -> None:
    define_upon(name)
    envsync("lock", "d")
    still = envsync("check", "--online", "d")
    tags["1"] = NEW
    offline, moved = envsync("check", "d"), envsync("check", "--online", "d")
    del tags["1"]
    gone = envsync("check", "--online", "d")

    fresh = "`d/conda-lock.yml` is fresh\n"
    assert still == (0, f"{fresh}Base image `{name}` is still `{OLD}`\n", "")
    assert offline == (0, fresh, "")
    assert moved == (
        1,
        fresh,
        (
            f"Error: `d/conda-lock.yml`: base image `{name}` has moved: `{OLD}` → `{NEW}`\n"
            f"Hint: run `envsync lock d --update {name}` to take the new one; until then images "
            "stand on the old one\n"
        ),
    )
    assert gone.status == 1
    assert f"Error: Registry `{server.address}` has no image `{name}`\n" in gone.stderr


def test_every_definition_is_checked_online_though_registries_fail(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    name: str,
    server: Scripted,
    tmp_path: Path,
) -> None:
    define_upon(name)
    envsync("lock", "d")
    shutil.copytree(tmp_path / "d", tmp_path / "a")
    for path in (tmp_path / "a").iterdir():
        text = path.read_text(encoding="utf-8").replace(server.address, "127.0.0.1:1")
        path.write_text(text, encoding="utf-8")
    done = envsync("check", "--online", "--all", ".")

    assert done.status == 1
    assert done.stderr.startswith(
        "Error: Cannot reach the registry `127.0.0.1:1`: Connection refused\n"
    )
    assert done.stdout.endswith(f"is still `{OLD}`\n")


def test_the_digest_moved_is_a_difference_between_locks_and_none_to_the_definition(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    name: str,
    tags: dict[str, str],
    tmp_path: Path,
) -> None:
    directory = define_upon(name)
    envsync("lock", "d")
    shutil.copy(directory / "conda-lock.yml", tmp_path / "conda-lock-old.yml")
    shutil.copytree(directory, tmp_path / "definition")
    (tmp_path / "definition" / "conda-lock.yml").unlink()
    tags["1"] = NEW
    envsync("lock", "d", "--update", name)

    assert envsync("diff", "conda-lock-old.yml", "d").stdout.splitlines() == [
        f"- base image: {name}@{OLD}",
        f"+ base image: {name}@{NEW}",
    ]
    assert envsync("diff", "definition", "d", "--exit-code").status == 0


def test_a_lock_that_says_nothing_of_a_base_image_is_not_stale_for_that(
    envsync: Callable[..., Done], define_upon: Callable[..., Path]
) -> None:
    directory = define_upon(None)
    envsync("lock", "d")
    lock = directory / "conda-lock.yml"
    text = lock.read_text(encoding="utf-8")
    lock.write_text(text.replace("    envsync.base-image: ''\n", ""), encoding="utf-8")
    define_upon(NOWHERE)

    assert json.loads((directory / "azureml_environment.json").read_text())["docker"]
    assert lock.read_text(encoding="utf-8") != text
    assert envsync("check", "d").status == 0
