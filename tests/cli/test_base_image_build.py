"""Images upon the digest of the lock, and who is let in to get it."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import docker
import pytest
from support.images.base_archive import ARCHITECTURE, write_base
from support.images.base_locks import locked_base, move_digest
from support.images.images import read_layout
from support.servers.registries import (
    PASSWORD,
    USER,
    digest_of,
    put_archive,
    put_index,
    run_registry,
    why_not,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from channel import Served
    from conftest import Done

    from envsync.adapters.docker_engine import DockerEngine

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("no_engine")]

OLD, NEW = digest_of(b"old"), digest_of(b"new")
WRONG = "not-the-password"
NOWHERE = "127.0.0.1:1/team/base:1"


@pytest.fixture
def bases(tmp_path: Path) -> tuple[Path, Path]:
    """Return two base images as archives."""
    paths = tmp_path / "base-1.tar", tmp_path / "base-2.tar"
    for number, path in enumerate(paths):
        write_base(path, files={"which": str(number).encode()})
    return paths


@pytest.fixture
def name(registry: str) -> str:
    """Return the name that a base image has in a registry that lets everybody in."""
    return f"{registry}/team/base:1"


def test_an_image_is_built_upon_the_digest_of_the_lock(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    bases: tuple[Path, Path],
    name: str,
    registry: str,
    tmp_path: Path,
) -> None:
    digest = put_archive(bases[0], name)
    directory = define_upon("team/base:1", address=registry)
    assert envsync("lock", "d").status == 0
    first = envsync("build-local", "d", "--print-id", "--oci", "first")
    other = put_archive(bases[1], name)
    second = envsync("build-local", "d", "--print-id")
    alone = envsync("build-local", "d/conda-lock.yml", "--name", "d", "--oci", "alone")
    overridden = envsync("build-local", "d", "--print-id", "--base", name)
    envsync("lock", "d", "--update", "team/base:1")
    moved = envsync("build-local", "d", "--print-id")

    assert locked_base(directory) == f"{name}@{other}"
    assert first.stdout == second.stdout != overridden.stdout
    assert (alone.status, moved.status) == (0, 0), (alone.stderr, moved.stderr)
    assert moved.stdout not in (first.stdout, overridden.stdout)
    ours, theirs = (read_layout(tmp_path / it)[0]["layers"] for it in ("first", "alone"))
    assert ours[0] == theirs[0]  # type: ignore[index]  # the base's
    labels = read_layout(tmp_path / "first")[1]["config"]["Labels"]  # type: ignore[index]
    assert labels["org.opencontainers.image.base.digest"] == digest
    assert "The lock has no digest" not in second.stderr


def test_a_digest_that_the_registry_no_longer_has_is_refused_before_anything_is_built(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    bases: tuple[Path, Path],
    name: str,
    registry: str,
) -> None:
    digest = put_archive(bases[0], name)
    directory = define_upon(name)
    envsync("lock", "d")
    move_digest(directory, before=digest, after=OLD)
    done = envsync("build-local", "d", "--output", "image.tar")

    assert done == (
        1,
        "",
        (
            f"Error: Registry `{registry}` no longer has `{name}@{OLD}`, which the lock builds "
            f"upon; `{name}` is `{digest}` now\n"
            f"Hint: run `envsync lock d --update {name}`, or name another with `--base`\n"
        ),
    )


def test_a_lock_without_a_digest_takes_the_image_as_it_is_and_says_so(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    bases: tuple[Path, Path],
    name: str,
) -> None:
    define_upon(name)
    envsync("lock", "d")
    put_archive(bases[0], name)
    done = envsync("build-local", "d", "--print-id")

    assert done.status == 0
    assert (
        f"The lock has no digest of the base image; `envsync lock d --update {name}` adds it\n"
    ) in done.stderr


def test_of_an_image_for_many_platforms_the_index_is_locked_and_one_is_built_upon(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    bases: tuple[Path, Path],
    name: str,
    registry: str,
) -> None:
    write_base(bases[1], architecture="s390x")
    ours = put_archive(bases[0], f"{registry}/team/base:ours")
    theirs = put_archive(bases[1], f"{registry}/team/base:theirs")
    index = put_index(name, {"s390x": theirs, ARCHITECTURE: ours})
    only = put_index(f"{registry}/team/base:2", {"s390x": theirs})
    directory = define_upon(name)
    envsync("lock", "d")
    built = envsync("build-local", "d", "--print-id")
    both = locked_base(directory)
    define_upon(f"{registry}/team/base:2")
    envsync("lock", "d")
    refused = envsync("build-local", "d", "--print-id")

    assert both == f"{name}@{index}"
    assert built.status == 0, built.stderr
    assert locked_base(directory).endswith(only)
    assert refused.status == 1
    assert "it has `linux/s390x`" in refused.stderr


def test_a_base_that_is_too_old_for_the_lock_is_refused_by_digest_too(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    bases: tuple[Path, Path],
    name: str,
) -> None:
    write_base(bases[0], glibc="2.5")
    put_archive(bases[0], name)
    define_upon(name)
    envsync("lock", "d")
    done = envsync("build-local", "d", "--print-id")

    assert done.status == 1
    assert "has glibc 2.5, and the lock assumes" in done.stderr


@pytest.fixture
def login_registry(tmp_path: Path) -> Iterator[str]:
    if lack := why_not():
        pytest.skip(lack)
    with run_registry(tmp_path / "login-registry", with_login=True) as address:
        yield address


def test_the_definitions_user_is_let_in_and_appears_nowhere(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    bases: tuple[Path, Path],
    login_registry: str,
    private_home: Path,
) -> None:
    digest = put_archive(bases[0], f"{login_registry}/team/base:1", login=f"{USER}:{PASSWORD}")
    directory = define_upon(
        "team/base:1", address=f"https://{login_registry}/", username=USER, password=PASSWORD
    )
    said = [
        envsync(*words)
        for words in (
            ["lock", "d"],
            ["check", "--online", "d"],
            ["build-local", "d", "--print-id"],
            ["lock", "d", "--update", "team/base:1"],
            ["diff", "d", "d"],
        )
    ]

    assert [done.status for done in said] == [0] * len(said), said
    assert locked_base(directory) == f"{login_registry}/team/base:1@{digest}"
    assert PASSWORD not in str(said)
    assert PASSWORD not in (directory / "conda-lock.yml").read_text(encoding="utf-8")
    written = [path for path in (private_home / ".envsync").rglob("*") if path.is_file()]
    assert not [path for path in written if f'"{PASSWORD}"'.encode() in path.read_bytes()]


def test_who_is_not_let_in_is_told_so_without_the_password(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    login_registry: str,
) -> None:
    name = f"{login_registry}/team/base:1"
    define_upon(name, username=USER, password=WRONG)
    locked = envsync("lock", "d")
    updated = envsync("lock", "d", "--update", name)

    refusal = f"Registry `{login_registry}` refuses user `me`: "
    assert locked.status == 0
    assert f"(`{name}`" not in locked.stderr
    assert refusal in locked.stderr
    assert updated.status == 1
    assert updated.stderr.startswith(f"Error: {refusal}")
    assert WRONG not in locked.stderr + updated.stderr


def test_credentials_in_an_images_name_reach_nothing(
    envsync: Callable[..., Done], define_upon: Callable[..., Path]
) -> None:
    directory = define_upon("https://me:hunter2@registry.example/base:1?sig=hunter2")
    said = [envsync("validate", "d"), envsync("lock", "d"), envsync("check", "d")]

    assert [done.status for done in said] == [2, 2, 1]
    assert "it has no place for a user, a password or a query" in said[1].stderr
    assert not (directory / "conda-lock.yml").exists()
    assert "hunter2" not in str(said)


@pytest.mark.docker
def test_where_no_registry_answers_the_engine_tells_what_it_pulled(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    bases: tuple[Path, Path],
    docker_engine: DockerEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if lack := why_not():
        pytest.skip(lack)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    with run_registry(tmp_path / "registry") as address:
        name = f"{address}/team/base:1"
        digest = put_archive(bases[0], name)
        with contextlib.closing(docker.from_env()) as client:
            client.images.pull(name)
    try:
        directory = define_upon(name)
        locked = envsync("lock", "d")
        locked_name = locked_base(directory)
        built = envsync("build-local", "d", "--print-id")
        move_digest(directory, before=digest, after=OLD)
        refused = envsync("build-local", "d", "--print-id")
        overridden = envsync("build-local", "d", "--print-id", "--base", name)
    finally:
        docker_engine.remove(name)
        docker_engine.remove(f"{address}/team/base@{digest}")

    unreachable = f"Cannot reach the registry `{address}`: Connection refused"
    assert (
        f"Base image `{name}`: `{digest}`, as the Docker Engine has it ({unreachable})\n"
        in locked.stderr
    )
    assert locked_name == f"{name}@{digest}"
    assert (built.status, overridden.status) == (0, 0), built.stderr + overridden.stderr
    assert refused == (
        1,
        "",
        (
            f"Error: The lock builds upon `{name}@{OLD}`, and the Docker Engine has `{name}` as "
            f"`{digest}`: {unreachable}\n"
            f"Hint: let the registry be reached, or build upon that with `--base {name}`\n"
        ),
    )


def test_a_frozen_lock_is_built_upon_its_own_image(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    bases: tuple[Path, Path],
    name: str,
) -> None:
    put_archive(bases[0], name)
    define_upon(name)
    envsync("lock", "d")
    expected = envsync("build-local", "d", "--print-id")
    define_upon("127.0.0.1:1/team/other:1")
    stale, frozen = (envsync("build-local", "d", "--print-id", *it) for it in ((), ("--frozen",)))

    assert (expected.status, stale.status) == (0, 1)
    assert (frozen.status, frozen.stdout) == (0, expected.stdout)


def test_a_definition_that_manages_its_own_packages_stands_on_the_digest_too(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    channel: Served,
    bases: tuple[Path, Path],
    name: str,
) -> None:
    del channel
    put_archive(bases[0], name)
    define("python", docker={"baseImage": name}, python={"userManagedDependencies": True})
    assert envsync("lock", "d").status == 0
    first = envsync("build-local", "d", "--print-id")
    put_archive(bases[1], name)
    second = envsync("build-local", "d", "--print-id")

    assert first.status == 0, first.stderr
    assert first.stdout == second.stdout


@pytest.fixture
def helper(
    tmp_path: Path, private_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str], None]:
    """Let a script be asked for the credentials of a registry, as `docker login` may have it."""

    def write(registry: str, script: str) -> None:
        program = tmp_path / "bin" / "docker-credential-test"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        (private_home / ".docker").mkdir()
        config = {"credHelpers": {registry: "test"}}
        (private_home / ".docker" / "config.json").write_text(json.dumps(config))
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")

    return write


def test_docker_s_credential_helper_lets_a_lock_in(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    bases: tuple[Path, Path],
    login_registry: str,
    helper: Callable[[str, str], None],
) -> None:
    digest = put_archive(bases[0], f"{login_registry}/team/base:1", login=f"{USER}:{PASSWORD}")
    answer = json.dumps({"Username": USER, "Secret": PASSWORD, "ServerURL": login_registry})
    helper(login_registry, f"echo '{answer}'")
    directory = define_upon(f"{login_registry}/team/base:1")
    locked = envsync("lock", "d")

    assert locked.status == 0
    assert locked_base(directory) == f"{login_registry}/team/base:1@{digest}"
    assert envsync("check", "--online", "d").status == 0


def test_a_credential_helper_that_hangs_holds_no_lock_up(
    envsync: Callable[..., Done],
    define_upon: Callable[..., Path],
    helper: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    helper("127.0.0.1:1", "exec sleep 2")
    monkeypatch.setenv("ENVSYNC_REGISTRY_TIMEOUT", "0.3")
    define_upon(NOWHERE)
    done = envsync("lock", "d")

    assert done.status == 0
    assert "Cannot reach the registry `127.0.0.1:1`: no answer within 0.3 s\n" in done.stderr
