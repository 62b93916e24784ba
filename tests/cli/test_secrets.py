"""Secrets planted wherever a definition may hold one, looked for wherever they might leak."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from company import make_index

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


class Guarded(SimpleHTTPRequestHandler):
    """Serves a folder to whom knows the password."""

    def __init__(self, password: str, *args: object, **more: object) -> None:
        self.expected = "Basic " + base64.b64encode(f"user:{password}".encode()).decode()
        super().__init__(*args, **more)  # type: ignore[arg-type]

    def send_head(self):  # type: ignore[no-untyped-def]  # noqa: ANN201  # the base's
        if self.headers.get("Authorization") != self.expected:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        return super().send_head()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        """Keep quiet."""


@contextlib.contextmanager
def guard(folder: Path, password: str) -> Iterator[str]:
    handler = partial(Guarded, password, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def leaks(*roots: Path, but: Path) -> list[str]:
    """Return where a secret stands in a file below *roots*, other than those of *but*."""
    return [
        f"{path}: {secret}"
        for root in roots
        for path in root.rglob("*")
        if path.is_file() and but not in path.parents
        for secret in SECRETS
        if secret.encode() in path.read_bytes()
    ]


def test_secrets_open_doors_and_stay_where_they_were_written(
    envsync: Callable[..., Done],
    embedded_channel: Channel,
    tmp_path: Path,
    private_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "rattler"))
    definition = tmp_path / "d"
    definition.mkdir()
    index = make_index(tmp_path / "index")
    with (
        guard(embedded_channel.path, CHANNEL_PASSWORD) as channel_host,
        guard(index, INDEX_PASSWORD) as index_host,
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
                ["tree", "d"],
                ["run", "d", "python", "-c", "import private_thing"],
            )
        ]

    assert [done.status for done in said] == [0] * len(said), said
    for secret in SECRETS:
        assert secret not in str(said)
    lock = (definition / "conda-lock.yml").read_text()
    assert not any(secret in lock for secret in SECRETS)
    assert leaks(private_home, tmp_path / "rattler", but=definition) == []


def test_a_wrong_password_is_an_error_that_does_not_repeat_it(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    embedded_channel: Channel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "rattler"))
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
