"""Secrets planted wherever a definition may hold one, looked for wherever they might leak."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import pytest
from support.images.base_archive import write_base
from support.secrets_watch import find_in_files, watch_arguments
from support.servers.company import basic, make_index, serve_guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from channel import Channel
    from conftest import Done

pytestmark = pytest.mark.e2e

CHANNEL_PASSWORD = "hunter-channel"  # noqa: S105  # planted
INDEX_PASSWORD = "hunter-index"  # noqa: S105  # planted
REGISTRY_PASSWORD = "hunter-registry"  # noqa: S105  # planted
SECRETS = (CHANNEL_PASSWORD, INDEX_PASSWORD, REGISTRY_PASSWORD)


@contextlib.contextmanager
def guard(folder: Path, password: str) -> Iterator[str]:
    """Serve *folder* to whom knows *password*; give the address."""
    with serve_guarded(folder, authorization=basic("user", password)) as served:
        yield f"127.0.0.1:{served.port}"


@pytest.mark.usefixtures("empty_caches")
def test_secrets_open_doors_and_stay_where_they_were_written(
    envsync: Callable[..., Done],
    embedded_channel: Channel,
    tmp_path: Path,
    private_home: Path,
) -> None:
    definition = tmp_path / "d"
    definition.mkdir()
    index = make_index(tmp_path / "index")
    write_base(tmp_path / "base.tar")
    with (
        guard(embedded_channel.path, CHANNEL_PASSWORD) as channel_host,
        guard(index, INDEX_PASSWORD) as index_host,
        watch_arguments(SECRETS) as shown,
    ):
        registry = {"address": "r.example", "username": "u", "password": REGISTRY_PASSWORD}
        (definition / "azureml_environment.json").write_text(
            json.dumps({"name": "d", "docker": {"baseImageRegistry": registry}})
        )
        option = f"--extra-index-url http://user:{INDEX_PASSWORD}@{index_host}/simple"
        (definition / "conda_dependencies.yml").write_text(
            json.dumps(
                {
                    "channels": [f"http://user:{CHANNEL_PASSWORD}@{channel_host}"],
                    "dependencies": ["python", {"pip": [option, "private-thing"]}],
                }
            )
        )
        said = [
            envsync(*words)
            for words in (
                ["lock", "d"],
                ["check", "d"],
                ["build-local", "d"],
                ["build-local", "d"],
                ["build-local", "d", "--base", "base.tar", "--output", "image.tar"],
                ["verify", "d", "--image", "image.tar"],
                ["tree", "d"],
                ["why", "private-thing", "d"],
                ["diff", "d", "d/conda-lock.yml"],
                ["lock", "d", "--upgrade"],
                ["export", "d", "--format", "explicit", "-o", "spec.txt"],
                ["export", "d", "--format", "pixi", "-o", "pixi.lock"],
                ["export", "d", "--format", "pylock", "-o", "pylock.toml"],
                ["save-to-directory", "d/conda-lock.yml", "saved"],
                ["build-local", "d", "--offline", "-p", "other"],
                ["run", "d", "python", "-c", "import private_thing"],
            )
        ]

    assert [done.status for done in said] == [0] * len(said), said
    assert shown == []
    for secret in SECRETS:
        assert secret not in str(said)
    lock = (definition / "conda-lock.yml").read_text()
    assert not any(secret in lock for secret in SECRETS)
    assert find_in_files(SECRETS, private_home, tmp_path, but=definition) == []


@pytest.mark.usefixtures("empty_caches")
def test_a_wrong_password_is_an_error_that_does_not_repeat_it(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    embedded_channel: Channel,
    tmp_path: Path,
) -> None:
    define("python")
    with guard(embedded_channel.path, "another") as host:
        (tmp_path / "d" / "conda_dependencies.yml").write_text(
            f"channels:\n- http://user:{CHANNEL_PASSWORD}@{host}\ndependencies:\n- python\n"
        )
        done = envsync("lock", "d")

    assert done.status == 1
    assert "Error: Cannot read channel " in done.stderr
    assert "401" in done.stderr
    assert CHANNEL_PASSWORD not in done.stderr


QUERY_SECRETS = (
    "hunter-q-channel",
    "hunter-q-index",
    "hunter-q-links",
    "hunter-q-direct",
    "hunter-q-git",
    "hunter-q-base",
    "hunter-q-locked",
)


@pytest.mark.usefixtures("empty_caches")
def test_secrets_in_queries_stay_where_they_were_written(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    embedded_channel: Channel,
    tmp_path: Path,
    private_home: Path,
) -> None:
    definition = define("python")
    index = make_index(tmp_path / "index")
    with (
        serve_guarded(embedded_channel.path) as channel,
        serve_guarded(index) as served,
        watch_arguments(QUERY_SECRETS) as shown,
    ):
        host = f"http://127.0.0.1:{served.port}/simple"
        wheel = f"{host}/private-thing/private_thing-1.0-py3-none-any.whl"
        channel_url = f"http://127.0.0.1:{channel.port}?sig={QUERY_SECRETS[0]}"

        def write(*pip: str) -> None:
            (definition / "conda_dependencies.yml").write_text(
                json.dumps(
                    {"channels": [channel_url], "dependencies": ["python", {"pip": list(pip)}]}
                )
            )

        said = []
        for pip in (
            ("six==99", f"--extra-index-url {host}?token={QUERY_SECRETS[1]}"),
            ("six==99", f"--find-links {host}/private-thing/?sig={QUERY_SECRETS[2]}"),
            (f"private-thing @ {wheel}.gone.whl?sig={QUERY_SECRETS[3]}",),
            (f"git+http://127.0.0.1:1/r.git?token={QUERY_SECRETS[4]}@v1#egg=r",),
            (f"{wheel}?sv=1&sig={QUERY_SECRETS[3]}",),
        ):
            write(*pip)
            said += [envsync("validate", "d", *more) for more in ((), ("--json",))]
            said += [envsync("lock", "d", *more) for more in ((), ("--allow-unreproducible",))]
        assert said[-1].status == 0, said[-1]
        said += [
            envsync(*words)
            for words in (
                ["build-local", "d"],
                ["run", "d", "python", "-c", "import private_thing"],
                ["why", "private-thing", "d"],
                ["tree", "d"],
                ["diff", "d", "d/conda-lock.yml"],
                ["export", "d/conda-lock.yml", "--format", "pylock", "-o", "pylock.toml"],
            )
        ]
        assert [done.status for done in said[-6:]] == [0] * 6, said[-6:]
        lock = definition / "conda-lock.yml"
        text = lock.read_text()
        assert not any(secret in text for secret in QUERY_SECRETS)
        lock.write_text(text.replace(".conda\n", f".conda?sig={QUERY_SECRETS[6]}\n"))
        assert lock.read_text() != text
        refused = [envsync("check", "d"), envsync("build-local", "d", "--frozen", "-p", "other")]
        lock.unlink()
        define("python", docker={"baseImage": f"r.example/a?sig={QUERY_SECRETS[5]}"})
        refused += [envsync("validate", "d"), envsync("lock", "d")]

    assert shown == []
    assert all(done.status in {1, 2} for done in refused), refused
    for secret in QUERY_SECRETS:
        assert secret not in str((said, refused))
    found = find_in_files(QUERY_SECRETS, private_home, tmp_path, but=definition)
    # uv keeps the address of an archive in its own cache, as it got it.
    assert [place for place in found if f"{tmp_path}/uv/wheels" not in place] == []
