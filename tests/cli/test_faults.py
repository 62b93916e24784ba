"""Channels that fail: tried again a few times, then one error that names them, and soon."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest
from support.servers.faulty import serve_faulty

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from channel import Channel
    from conftest import Done
    from support.servers.faulty import Fault

pytestmark = pytest.mark.e2e


@pytest.fixture
def lock_over(
    envsync: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Done, float]]:
    """Lock a definition over channels, with a cache of its own; return how long it took too."""
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "cache"))

    def lock(*channels: str, timeout: str = "6") -> tuple[Done, float]:
        monkeypatch.setenv("ENVSYNC_TIMEOUT", timeout)
        directory = tmp_path / "d"
        directory.mkdir(exist_ok=True)
        (directory / "azureml_environment.json").write_text(
            '{"name": "d", "environmentVariables": {}}'
        )
        lines = ["channels:", *(f"- {channel}" for channel in channels), "dependencies:"]
        (directory / "conda_dependencies.yml").write_text("\n".join([*lines, "- six", ""]))
        start = time.monotonic()
        return envsync("lock", "d"), time.monotonic() - start

    return lock


def always(fault: Fault) -> Callable[[str, int], Fault]:
    return lambda _path, _asked: fault


def only_repodata(fault: Fault) -> Callable[[str, int], Fault]:
    """Do without what newer channels have, and fail at what all have."""
    return lambda path, _asked: fault if path.endswith("repodata.json") else "404"


@pytest.mark.parametrize(
    ("choose", "said", "hint"),
    [
        (
            always("500"),
            ", tried 4 times: it answers `500 Internal Server Error`",
            "try again later",
        ),
        (always("429"), ", tried 4 times: it answers `429 Too Many Requests`", "try again later"),
        (always("404"), ": it answers `404 Not Found`", "check its name and the network"),
        (always("403"), ": it answers `403 Forbidden`", "store credentials for its host"),
        (only_repodata("garbage"), ": what it sends is no repodata (expected value", "look at its"),
        (only_repodata("cut"), ", tried 4 times: end of file before message length", "check its"),
        (
            always("hang"),
            ", tried twice: it sends nothing for 1 s",
            "try again later, or wait",
        ),
        (
            only_repodata("stall"),
            ", tried twice: it sends nothing for 1 s",
            "try again later",
        ),
    ],
    ids=["500", "429", "404", "403", "garbage", "cut", "hang", "stall"],
)
def test_a_channel_that_fails_is_named_with_what_was_tried(
    lock_over: Callable[..., tuple[Done, float]],
    tmp_path: Path,
    choose: Callable[[str, int], Fault],
    said: str,
    hint: str,
) -> None:
    (tmp_path / "served").mkdir()
    timeout = "1" if "sends nothing" in said else "6"  # longer than the pauses between tries
    with serve_faulty(tmp_path / "served", choose) as faulty:
        done, seconds = lock_over(f"{faulty.url}/mine", timeout=timeout)

    errors = [line for line in done.stderr.splitlines() if line.startswith("Error:")]
    assert done.status == 1
    assert len(errors) == 1
    assert errors[0].startswith(
        f"Error: Cannot read channel `{faulty.url}/mine` ({faulty.url}/mine"
    )
    assert said in errors[0]
    assert f"\nHint: {hint}" in done.stderr
    assert seconds < 20
    assert not (tmp_path / "d" / "conda-lock.yml").exists()


def test_a_long_wait_is_told(lock_over: Callable[..., tuple[Done, float]], tmp_path: Path) -> None:
    with serve_faulty(tmp_path, always("hang")) as faulty:
        done, _ = lock_over(f"{faulty.url}/mine", timeout="1")

    told = done.stderr.splitlines()
    assert f"Still waiting for `{faulty.url}/mine`" in told
    assert "No answer for 1 s; asking again" in told


@pytest.mark.parametrize("fault", ["500", "hang", "cut"])
def test_a_channel_that_recovers_is_read(
    lock_over: Callable[..., tuple[Done, float]], embedded_channel: Channel, fault: Fault
) -> None:
    def choose(path: str, asked: int) -> Fault:
        return fault if not asked and path.endswith("repodata_shards.msgpack.zst") else ""

    with serve_faulty(embedded_channel.path, choose) as faulty:
        done, seconds = lock_over(faulty.url, timeout="1" if fault == "hang" else "6")

    assert (done.status, seconds < 20) == (0, True), done


def test_a_channel_that_is_indexed_anew_under_the_solve_is_read_again(
    lock_over: Callable[..., tuple[Done, float]], embedded_channel: Channel
) -> None:
    def choose(path: str, _asked: int) -> Fault:
        is_of_yesterday = faulty.requests.count("/noarch/repodata_shards.msgpack.zst") < 2
        return "404" if "/shards/" in path and is_of_yesterday else ""

    with serve_faulty(embedded_channel.path, choose) as faulty:
        done, _ = lock_over(faulty.url)

    assert done.status == 0, done


def test_of_several_channels_the_one_that_fails_is_named(
    lock_over: Callable[..., tuple[Done, float]], embedded_channel: Channel, tmp_path: Path
) -> None:
    (tmp_path / "served").mkdir()
    with (
        serve_faulty(embedded_channel.path, always("")) as good,
        serve_faulty(tmp_path / "served", always("hang")) as bad,
    ):
        done, _ = lock_over(good.url, f"{bad.url}/mine", timeout="1")

    assert f"Error: Cannot read channel `{bad.url}/mine`" in done.stderr


def test_nobody_at_the_address_is_told(lock_over: Callable[..., tuple[Done, float]]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/mine"
        done, seconds = lock_over(url)

    assert f"Error: Cannot read channel `{url}` ({url}/" in done.stderr
    assert ", tried 4 times: Connection refused (os error 111)" in done.stderr
    assert seconds < 20


def test_a_mirror_that_fails_is_that_of_its_channel(
    lock_over: Callable[..., tuple[Done, float]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = tmp_path / "config.toml"
    monkeypatch.setenv("ENVSYNC_CONFIG", str(config))
    with serve_faulty(tmp_path, always("403")) as faulty:
        config.write_text(
            f'[mirrors]\n"https://conda.anaconda.org/conda-forge/" = ["{faulty.url}/cf/"]\n'
        )
        done, _ = lock_over("conda-forge")

    assert f"Error: Cannot read channel `conda-forge` ({faulty.url}/cf/" in done.stderr


@pytest.mark.parametrize("name", ["repodata.json.zst", "repodata_shards.msgpack.zst"])
@pytest.mark.parametrize("spoil", ["half", "zeros"])
def test_compressed_repodata_that_is_damaged_is_an_error_or_done_without(
    lock_over: Callable[..., tuple[Done, float]],
    embedded_channel: Channel,
    tmp_path: Path,
    name: str,
    spoil: str,
) -> None:
    served = tmp_path / "served"
    for subdir in ("linux-64", "noarch"):
        (served / subdir).mkdir(parents=True)
        for path in (embedded_channel.path / subdir).glob("repodata*"):
            if path.is_file() and (path.name == name or "shards" not in path.name):
                (served / subdir / path.name).write_bytes(path.read_bytes())
        damaged = served / subdir / name
        whole = damaged.read_bytes()
        damaged.write_bytes(whole[: len(whole) // 2] if spoil == "half" else bytes(len(whole)))
    with serve_faulty(served, always("")) as faulty:
        done, seconds = lock_over(faulty.url)

    assert done.status in (0, 1)
    assert seconds < 20
    if done.status == 1:
        assert f"Error: Cannot read channel `{faulty.url}` ({faulty.url}" in done.stderr


def test_a_limit_that_is_no_number_is_refused(
    lock_over: Callable[..., tuple[Done, float]],
) -> None:
    done, _ = lock_over("https://conda.example.org/mine", timeout="soon")

    assert done.status == 2
    assert "Error: `ENVSYNC_TIMEOUT` is `soon`, which is no number of seconds" in done.stderr


@pytest.mark.usefixtures("channel")
@pytest.mark.parametrize(
    ("fault", "said"),
    [("hang", "operation timed out"), ("500", "HTTP status server error (500 Internal Server")],
)
def test_an_index_that_fails_is_named_with_what_was_tried(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    said: str,
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("ENVSYNC_TIMEOUT", "1")
    start = time.monotonic()
    with serve_faulty(tmp_path, always(fault)) as index:
        define("python", pip=(f"--index-url {index.url}/simple", "private-thing"))
        done = envsync("lock", "d")

    assert done.status == 1
    assert (
        "Error: Cannot lock the pip requirements\n  Request failed after 2 retries" in done.stderr
    )
    assert f"  Failed to fetch: {index.url}/simple/private-thing/\n" in done.stderr
    assert said in done.stderr
    assert len(index.requests) == 3
    assert time.monotonic() - start < 20


def test_an_archive_that_never_comes_is_an_error_soon(
    lock_over: Callable[..., tuple[Done, float]],
    envsync: Callable[..., Done],
    embedded_channel: Channel,
    tmp_path: Path,
) -> None:
    def choose(path: str, _asked: int) -> Fault:
        return "hang" if path.endswith(".conda") else ""

    with serve_faulty(embedded_channel.path, choose) as faulty:
        done, _ = lock_over(faulty.url, timeout="2")
        assert done.status == 0
        done = envsync("build-local", "d", "-p", str(tmp_path / "env"))

    assert done.status == 1
    assert "Still waiting for packages\n" in done.stderr
    assert "Error: Cannot install the conda packages: it sends nothing for 2 s\n" in done.stderr
    assert not (tmp_path / "env").exists()
