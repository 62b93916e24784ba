from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import rattler
from rattler.explicit_environment import ExplicitEnvironmentSpec
from rattler.networking import Client
from rattler.package import BuildString

from envsync.adapters.rattler import load_config
from envsync.lock.formats.explicit import parse_explicit
from envsync.lock.reader import load_lockfile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Done

pytestmark = pytest.mark.e2e


@pytest.fixture
def locked(envsync: Callable[..., Done], define: Callable[..., Path], channel: object) -> Path:
    del channel
    directory = define("python", "six", pip=("httpx==0.28.1",))
    assert envsync("lock", "d").status == 0
    return directory


def test_an_explicit_spec_has_the_conda_packages(
    locked: Path, envsync: Callable[..., Done]
) -> None:
    done = envsync("export", "--format", "explicit", "d")

    exported = parse_explicit(done.stdout, file="x", subdir="")
    packages = load_lockfile(locked / "conda-lock.yml").packages
    assert {package.url for package in exported} == {
        package.url for package in packages if package.manager == "conda"
    }


def test_an_explicit_spec_installs_with_bare_rattler(
    locked: Path, envsync: Callable[..., Done], tmp_path: Path
) -> None:
    del locked
    envsync("export", "--format", "explicit", "d", "-o", "explicit.txt")
    text = (tmp_path / "explicit.txt").read_text()
    assert len(ExplicitEnvironmentSpec.from_path(tmp_path / "explicit.txt").packages) >= 3

    records = [
        rattler.RepoDataRecord(
            rattler.PackageRecord(
                package.name,
                package.version,
                BuildString(package.build),
                0,
                package.url.split("/")[-2],
                md5=bytes.fromhex(package.md5 or ""),
            ),
            package.url.rpartition("/")[2],
            package.url,
            "https://conda.anaconda.org/conda-forge/",
        )
        for package in parse_explicit(text, file="x", subdir="")
    ]
    client = Client.from_config(load_config())
    asyncio.run(rattler.install(records, tmp_path / "prefix", client=client, show_progress=False))

    done = subprocess.run([tmp_path / "prefix" / "bin" / "python", "-c", "import six"], check=False)
    assert done.returncode == 0


def test_a_pylock_installs_with_uv(
    locked: Path, envsync: Callable[..., Done], tmp_path: Path
) -> None:
    del locked
    from uv import find_uv_bin  # noqa: PLC0415  # only here

    envsync("export", "--format", "pylock", "d", "-o", "pylock.toml")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "v"], check=True)
    python = tmp_path / "v" / "bin" / "python"
    subprocess.run(
        [find_uv_bin(), "pip", "install", "-q", "--python", python, "-r", "pylock.toml"],
        check=True,
        cwd=tmp_path,
    )

    done = subprocess.run([python, "-c", "import httpx"], check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("source", ["explicit.txt", "pixi.lock", "alone/conda-lock.yml"])
def test_a_lockfile_alone_makes_an_environment(
    locked: Path, envsync: Callable[..., Done], tmp_path: Path, source: str
) -> None:
    envsync("export", "--format", "explicit", "d", "-o", "explicit.txt")
    (tmp_path / "alone").mkdir()
    shutil.copy(locked / "conda-lock.yml", tmp_path / "alone")
    envsync("export", "--format", "pixi", "d", "-o", "pixi.lock")

    done = envsync("build-local", source, "-p", "made")

    assert done.status == 0, done.stderr
    differing = envsync("diff", source, "made").stdout
    assert differing == "Nothing differs\n"
    python = tmp_path / "made" / "bin" / "python"
    assert subprocess.run([python, "-c", "import six"], check=False).returncode == 0


def test_a_file_that_is_there_is_kept_unless_asked(
    locked: Path, envsync: Callable[..., Done], tmp_path: Path
) -> None:
    del locked
    (tmp_path / "x.txt").write_text("mine")

    refused = envsync("export", "--format", "explicit", "d", "-o", "x.txt")
    replaced = envsync("export", "--format", "explicit", "d", "-o", "x.txt", "--overwrite")

    assert refused.status == 2
    assert replaced.status == 0
    assert "@EXPLICIT" in (tmp_path / "x.txt").read_text()


def test_a_subdir_that_is_not_locked_is_refused(locked: Path, envsync: Callable[..., Done]) -> None:
    del locked

    done = envsync("export", "--format", "pylock", "d", "--subdir", "win-64")

    assert done.status == 2
    assert "Error: `d/conda-lock.yml` has no packages for `win-64`" in done.stderr


def test_a_prefix_is_no_definition_to_lock(
    locked: Path, envsync: Callable[..., Done], private_home: Path
) -> None:
    del locked
    envsync("build-local", "d")

    done = envsync("lock", str(private_home / ".envsync" / "envs" / "d"))

    assert done.status == 2
    assert "is an environment, not a definition" in done.stderr
