"""Other people's programs, taking what envsync wrote."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import rattler
from rattler.config import Config
from rattler.explicit_environment import ExplicitEnvironmentSpec
from rattler.networking import Client
from rattler.package import BuildString
from rattler.package_cache import PackageCache
from uv import find_uv_bin

if TYPE_CHECKING:
    from collections.abc import Callable

    from channel import Served
    from conftest import Done

pytestmark = pytest.mark.e2e

CONDA_LOCK = Path(sys.executable).with_name("conda-lock")


def conda_lock(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run conda-lock with a conda that can't solve and a network that nobody answers in."""
    conda = folder / "conda"
    conda.write_text(
        '#!/bin/sh\ncase "$*" in *--version*) echo conda 26.9.0 ;; *) exit 7 ;; esac\n'
    )
    conda.chmod(0o755)
    nowhere = "http://127.0.0.1:1"
    return subprocess.run(
        [CONDA_LOCK, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "http_proxy": nowhere, "https_proxy": nowhere, "COLUMNS": "200"},
    )


def ask_whether_locked(folder: Path, *subdirs: str) -> subprocess.CompletedProcess[str]:
    (folder / "mapping.json").write_text("{}")
    mapping = (folder / "mapping.json").as_uri()
    return conda_lock(
        folder,
        *("lock", "--check-input-hash", "--conda", "./conda", "--lockfile", "d/conda-lock.yml"),
        *("-f", "d/conda_dependencies.yml", "--pypi_to_conda_lookup_file", mapping),
        *(word for subdir in subdirs for word in ("-p", subdir)),
    )


@pytest.mark.usefixtures("locked")
def test_conda_lock_takes_the_definition_for_locked(tmp_path: Path) -> None:
    before = (tmp_path / "d" / "conda-lock.yml").read_bytes()

    done = ask_whether_locked(tmp_path, "linux-64")

    assert done.returncode == 0, done.stderr
    assert "Spec hash already locked for ['linux-64']. Skipping solve." in done.stderr
    assert (tmp_path / "d" / "conda-lock.yml").read_bytes() == before


@pytest.mark.usefixtures("locked")
def test_conda_lock_sees_that_the_definition_has_changed(tmp_path: Path) -> None:
    definition = tmp_path / "d" / "conda_dependencies.yml"
    definition.write_text(definition.read_text().replace("six=1.17", "six"))

    done = ask_whether_locked(tmp_path, "linux-64")

    assert done.returncode != 0
    assert "Skipping solve" not in done.stderr


def test_conda_lock_renders_the_addresses_of_our_explicit_spec(
    locked: Callable[..., Done], tmp_path: Path
) -> None:
    ours = locked("export", "d", "--format", "explicit").stdout

    done = conda_lock(
        tmp_path, "render", "--kind", "explicit", "-p", "linux-64", "d/conda-lock.yml"
    )

    assert done.returncode == 0, done.stderr
    theirs = (tmp_path / "conda-linux-64.lock").read_text()
    assert sorted(list_addresses(ours)) == sorted(list_addresses(theirs))


def list_addresses(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.startswith("https://")]
    assert lines
    return lines


def test_the_explicit_spec_installs_with_py_rattler_alone(
    locked: Callable[..., Done], channel: Served, tmp_path: Path
) -> None:
    assert locked("export", "d", "--format", "explicit", "-o", "spec.txt").status == 0
    client = Client.from_config(Config.from_toml(channel.config))
    spec = ExplicitEnvironmentSpec.from_path(tmp_path / "spec.txt")
    records = [to_record(entry.url) for entry in spec.packages]

    asyncio.run(
        rattler.install(
            records,
            target_prefix=tmp_path / "env",
            client=client,
            package_cache=PackageCache(tmp_path / "packages"),
        )
    )

    done = subprocess.run(
        [tmp_path / "env" / "bin" / "python", "-c", "import six; print(six.__version__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1.17.0\n"


def to_record(address: str) -> rattler.RepoDataRecord:
    """Return the record that an address and its hash are, without anything of envsync's."""
    url, _, md5 = address.partition("#")
    folder, _, file_name = url.rpartition("/")
    name, version, build = file_name.removesuffix(".conda").rsplit("-", 2)
    subdir = folder.rpartition("/")[2]
    record = rattler.PackageRecord(
        name, version, BuildString(build), 0, subdir, md5=bytes.fromhex(md5)
    )
    return rattler.RepoDataRecord(record, file_name, url, f"{folder.rpartition('/')[0]}/")


def test_the_pylock_installs_with_uv(locked: Callable[..., Done], tmp_path: Path) -> None:
    assert locked("export", "d", "--format", "pylock", "-o", "pylock.toml").status == 0
    uv = find_uv_bin()
    for words in (
        ["venv", "--python", sys.executable, "env"],
        ["pip", "install", "--python", "env/bin/python", "-r", "pylock.toml"],
    ):
        done = subprocess.run(
            [uv, *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    done = subprocess.run(
        [tmp_path / "env" / "bin" / "python", "-c", "import idna; print(idna.__version__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "3.10\n"
