"""Secrets planted wherever a definition may hold one, looked for wherever they might leak."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import pytest
from base_archive import write_base
from company import basic, make_index, serve_guarded
from secrets_watch import find_in_files, watch_arguments

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
