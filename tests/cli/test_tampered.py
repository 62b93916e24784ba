"""Bytes that are not those that were locked, wherever they come from: refused by name."""

from __future__ import annotations

import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest
from support.servers.company import make_index, serve_guarded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from channel import Channel
    from conftest import Done

pytestmark = pytest.mark.e2e


@pytest.fixture
def copy(embedded_channel: Channel, tmp_path: Path, empty_caches: None) -> Path:
    """Return a copy of the embedded channel that a test may spoil, with caches of its own."""
    del empty_caches
    return shutil.copytree(embedded_channel.path, tmp_path / "copy")


def write(folder: Path, channel: str, *pip: str) -> None:
    (folder / "d").mkdir(exist_ok=True)
    (folder / "d" / "azureml_environment.json").write_text(
        '{"name": "d", "environmentVariables": {}}'
    )
    lines = ["channels:", f"- {channel}", "dependencies:", "- python", "- six"]
    if pip:
        lines += ["- pip:", *(f"  - {line}" for line in pip)]
    (folder / "d" / "conda_dependencies.yml").write_text("\n".join([*lines, ""]))


def swap_six(channel: Path) -> None:
    """Put another good archive in the place of six's."""
    (six,) = channel.glob("*/six-1.17*.conda")
    other = next(path for path in six.parent.glob("*.conda") if path.name != six.name)
    shutil.copyfile(other, six)


def test_an_archive_that_was_swapped_in_a_folder_is_refused(
    envsync: Callable[..., Done], copy: Path, tmp_path: Path
) -> None:
    write(tmp_path, copy.as_uri())
    assert envsync("lock", "d").status == 0
    swap_six(copy)

    done = envsync("build-local", "d")

    assert done.status == 1
    assert (
        "/six-1.17.0-pyh0_0.conda` is not the archive that was locked: its sha256 " in done.stderr
    )
    assert not (tmp_path / ".envsync").exists()


def test_an_archive_that_was_swapped_on_a_server_is_refused(
    envsync: Callable[..., Done], copy: Path, tmp_path: Path
) -> None:
    with serve_guarded(copy) as served:
        write(tmp_path, f"http://127.0.0.1:{served.port}")
        assert envsync("lock", "d").status == 0
        swap_six(copy)
        done = envsync("build-local", "d")

    assert done.status == 1
    assert "Error: Cannot install `six 1.17.0`: " in done.stderr
    assert "hash mismatch" in done.stderr
    assert "Hint: the channel has other bytes than were locked: find out why" in done.stderr


def test_a_wheel_that_was_swapped_on_an_index_is_refused(
    envsync: Callable[..., Done], copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = make_index(tmp_path / "index")
    with serve_guarded(index) as served:
        address = f"http://127.0.0.1:{served.port}/simple"
        write(tmp_path, copy.as_uri(), f"--index-url {address}", "private-thing")
        assert envsync("lock", "d").status == 0
        (wheel,) = index.rglob("*.whl")
        with zipfile.ZipFile(wheel, "a") as archive:
            archive.writestr("private_thing_more.py", "")
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "another"))
        done = envsync("build-local", "d")

    assert done.status == 1
    assert "Error: Cannot install the pip packages\n" in done.stderr
    assert "private-thing" in done.stderr
    assert "Hash mismatch" in done.stderr


def test_a_wheel_that_was_swapped_beside_the_definition_is_refused(
    envsync: Callable[..., Done], copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source,) = make_index(tmp_path / "index").rglob("*.whl")
    write(tmp_path, copy.as_uri(), f"./{source.name}")
    wheel = tmp_path / "d" / source.name
    shutil.copyfile(source, wheel)
    assert envsync("lock", "d").status == 0
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("private_thing_more.py", "")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "another"))

    done = [envsync("build-local", "d"), envsync("build-local", "d", "--frozen")]

    assert [each.status for each in done] == [1, 1]
    assert f"`{wheel.name}` is not the file that was locked" in done[0].stderr
    assert "private-thing" in done[1].stderr
    assert "Hash mismatch" in done[1].stderr


def test_a_part_of_the_repodata_that_is_not_what_its_index_says_is_refused(
    envsync: Callable[..., Done], copy: Path, tmp_path: Path
) -> None:
    for shard in copy.glob("*/shards/*"):
        shard.write_bytes(shard.read_bytes()[:-1] + b"\0")
    with serve_guarded(copy) as served:
        url = f"http://127.0.0.1:{served.port}"
        write(tmp_path, url)
        done = envsync("lock", "d")

    assert served.requests
    assert done.status == 1
    assert f"Error: Cannot read channel `{url}`" in done.stderr


@pytest.mark.parametrize("spoil", ["cut", "empty", "noise"])
def test_a_cache_of_repodata_that_was_damaged_is_got_over_or_told(
    envsync: Callable[..., Done], copy: Path, tmp_path: Path, spoil: str
) -> None:
    with serve_guarded(copy) as served:
        write(tmp_path, f"http://127.0.0.1:{served.port}")
        assert envsync("lock", "d").status == 0
        good = (tmp_path / "d" / "conda-lock.yml").read_bytes()
        damaged = [path for path in (tmp_path / "rattler").rglob("*") if path.is_file()]
        for path in damaged:
            content = path.read_bytes()
            spoilt = {"cut": content[: len(content) // 2], "empty": b"", "noise": b"\xff\0" * 99}
            path.write_bytes(spoilt[spoil])
        done = envsync("lock", "d", "--upgrade")

    assert damaged
    assert (done.status, (tmp_path / "d" / "conda-lock.yml").read_bytes()) == (0, good), done
