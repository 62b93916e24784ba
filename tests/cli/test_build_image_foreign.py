"""Images for machines of another kind than this one: nothing of theirs is run."""

from __future__ import annotations

import asyncio
import json
import platform
from typing import TYPE_CHECKING

import pytest
from channel import CONDA_FORGE, serve
from rattler.index import index_fs
from rattler_build import assemble_package
from support.images.base_archive import write_base
from support.images.images import list_members, read_layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Done

pytestmark = pytest.mark.e2e

_OTHERS = {
    "x86_64": ("linux-aarch64", "arm64", "aarch64"),
    "aarch64": ("linux-64", "amd64", "x86_64"),
}
SUBDIR, ARCHITECTURE, MACHINE = _OTHERS[platform.machine()]
PREFIX = "/azureml-envs/d"
# What an ELF file for no machine at all starts with: if it were run, that would fail.
NO_PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xff\xff" + bytes(44)


@pytest.fixture
def foreign_channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let envsync take a channel with a Python and a tool for the other machine for conda-forge."""
    python = {"bin/python3.11": NO_PROGRAM, "lib/python3.11/os.py": b"name = 'posix'\n"}
    _make_package(tmp_path, "python", "3.11.7", python)
    _make_package(tmp_path, "tool", "1.0", {"bin/tool": NO_PROGRAM, "lib/libtool.so": NO_PROGRAM})
    _make_package(tmp_path, "pip", "25.0", {"bin/pip": b"#!/nowhere\n"})
    asyncio.run(index_fs(tmp_path / "channel", write_zst=True, write_shards=True))
    with serve({CONDA_FORGE: tmp_path / "channel"}) as served:
        (tmp_path / "foreign.toml").write_text(served.config)
        monkeypatch.setenv("ENVSYNC_CONFIG", str(tmp_path / "foreign.toml"))
        monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "packages"))
        yield


def _make_package(folder: Path, name: str, version: str, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        target = folder / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(0o755 if path.startswith("bin/") else 0o644)
    for subdir in (SUBDIR, "noarch"):
        (folder / "channel" / subdir).mkdir(parents=True, exist_ok=True)
    assemble_package(
        name, version, SUBDIR, "0", folder / "channel" / SUBDIR, files_dir=folder / name
    )


@pytest.fixture
def foreign(
    envsync: Callable[..., Done], define: Callable[..., Path], foreign_channel: None
) -> Callable[..., Done]:
    """Return `envsync` in a folder with a definition for the other machine, locked."""
    del foreign_channel
    docker = {"platform": {"os": "Linux", "architecture": ARCHITECTURE}}
    define("python=3.11", "tool", pip=("markupsafe==3.0.2", "idna==3.10"), docker=docker)
    done = envsync("lock", "d", "--subdir", SUBDIR)
    assert done.status == 0, done.stderr
    return envsync


def test_an_image_is_made_for_a_machine_of_another_kind(
    foreign: Callable[..., Done], tmp_path: Path
) -> None:
    write_base(tmp_path / "base.tar", architecture=ARCHITECTURE)
    done = foreign("build-local", "d", "--base", "base.tar", "--output", "x.tar", "--oci", "layout")
    _, config = read_layout(tmp_path / "layout")
    members = list_members(tmp_path / "x.tar")

    assert done.status == 0, done.stderr
    assert (config["os"], config["architecture"]) == ("linux", ARCHITECTURE)
    assert members[f"{PREFIX}/bin/tool"] == NO_PROGRAM
    record = json.loads(members[f"{PREFIX}/conda-meta/tool-1.0-0.json"] or b"")
    assert record["subdir"] == SUBDIR
    compiled = [path for path in members if "/markupsafe/_speedups" in path and ".so" in path]
    assert len(compiled) == 1
    assert MACHINE in compiled[0]
    assert f"{PREFIX}/lib/python3.11/site-packages/idna/__init__.py" in members


def test_a_base_for_this_machine_is_no_base_for_another(
    foreign: Callable[..., Done], tmp_path: Path
) -> None:
    write_base(tmp_path / "base.tar")
    done = foreign("build-local", "d", "--base", "base.tar", "--output", "x.tar")

    assert done.status == 1
    assert done.stderr.endswith("Hint: choose another with `--base`\n")
    assert not (tmp_path / "x.tar").exists()
