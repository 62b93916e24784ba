"""Logins of indexes, wherever people keep them."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from support.secrets_watch import find_in_files, watch_arguments
from support.servers.company import basic, make_index, serve_guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from channel import Served
    from conftest import Done

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("empty_caches")]

SECRET = "hunter@2:index/ä"  # noqa: S105  # planted
ENCODED = quote(SECRET, safe="")
SPELLINGS = (SECRET, ENCODED, "hunter@2", "hunter%402")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """Serve an index to `user` alone; return where."""
    folder = make_index(tmp_path / "index")
    with serve_guarded(folder, authorization=basic("user", SECRET)) as served:
        yield f"127.0.0.1:{served.port}/simple"


@pytest.fixture
def make(
    envsync: Callable[..., Done], channel: Served, tmp_path: Path, private_home: Path
) -> Callable[..., list[Done]]:
    """Lock a definition with some pip lines and some files beside it, and use the lock."""
    del channel

    def run(*lines: str, **files: str) -> list[Done]:
        definition = tmp_path / "d"
        definition.mkdir(exist_ok=True)
        (definition / "azureml_environment.json").write_text(
            json.dumps({"name": "d", "environmentVariables": {}})
        )
        (definition / "conda_dependencies.yml").write_text(
            json.dumps({"channels": ["conda-forge"], "dependencies": ["python", {"pip": lines}]})
        )
        for name, text in files.items():
            path = definition / f"{name.replace('_', '/')}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        with watch_arguments(SPELLINGS) as shown:
            done = [
                envsync("lock", "d"),
                envsync("build-local", "d", "-p", "p"),
                envsync("export", "d", "--format", "pylock"),
                envsync("check", "d"),
                envsync("lock", "d", "--upgrade"),
            ]
        assert [each.status for each in done] == [0] * len(done), done
        assert shown == []
        assert not any(secret in str(done) for secret in SPELLINGS)
        lock = (definition / "conda-lock.yml").read_text()
        assert "private-thing" in lock
        assert not any(secret in lock for secret in SPELLINGS)
        assert find_in_files(SPELLINGS, private_home, tmp_path, but=definition) == []
        return done

    return run


def test_a_password_may_be_percent_encoded(make: Callable[..., list[Done]], index: str) -> None:
    make(f"--extra-index-url http://user:{ENCODED}@{index}", "private-thing")


def test_a_login_may_stand_in_a_requirements_file(
    make: Callable[..., list[Done]], index: str
) -> None:
    make(
        "-r sub/r.txt",
        sub_r=f"--extra-index-url=http://user:{ENCODED}@{index}\nprivate-thing\n-c c.txt\n",
        sub_c="private-thing==1.0\n",
    )


def test_a_login_in_a_file_may_come_from_the_environment(
    make: Callable[..., list[Done]], index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEED_TOKEN", ENCODED)

    make("-r r.txt", r=f"-i http://user:${{FEED_TOKEN}}@{index}\nprivate-thing\n")


def test_a_netrc_may_have_one_login_for_all_hosts(
    make: Callable[..., list[Done]],
    index: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    netrc = tmp_path / "d" / ".netrc"
    netrc.parent.mkdir()
    netrc.write_text(f"machine h login me password no\ndefault login user password {SECRET}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    make(f"--index-url http://{index}", "private-thing")


def test_a_keyring_is_asked_where_uv_is_told_to(
    make: Callable[..., list[Done]], index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "keyring"
    program.parent.mkdir()
    answer = tmp_path / "d" / ".secret"
    answer.parent.mkdir()
    answer.write_text(SECRET, encoding="utf-8")
    program.write_text(f'#!/bin/sh\n[ "$1 $3" = "get user" ] && cat {answer}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    monkeypatch.setenv("UV_KEYRING_PROVIDER", "subprocess")

    make(f"--index-url http://user@{index}", "private-thing")
