"""A lock's pip packages as one `pylock.toml` for all of its machines."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from packaging.pylock import Pylock
from uv import find_uv_bin

from envsync.lock.reader import load_lockfile
from envsync.solve.python_target import describe_environment, list_tags

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Done

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("realchannel")]

SUBDIRS = ("linux-64", "osx-arm64", "win-64")


@pytest.fixture
def exported(envsync: Callable[..., Done], define: Callable[..., Path], tmp_path: Path) -> Pylock:
    """Return the export of a lock for three machines; `colorama` is for one of them alone."""
    define("python=3.11", pip=("markupsafe==3.0.2", "click==8.1.8", "pip-install-test==0.5"))
    wanted = [word for subdir in SUBDIRS for word in ("--subdir", subdir)]
    assert envsync("lock", "d", *wanted).status == 0
    done = envsync("export", "--format", "pylock", "d", "-o", "pylock.toml")
    assert done.status == 0
    assert done.stderr == ""
    lock = Pylock.from_dict(tomllib.loads((tmp_path / "pylock.toml").read_text()))
    lock.validate()
    return lock


def test_each_machine_selects_what_its_lock_has(exported: Pylock, tmp_path: Path) -> None:
    lockfile = load_lockfile(tmp_path / "d" / "conda-lock.yml")
    for subdir in SUBDIRS:
        packages = {
            package.name: package.sha256
            for package in lockfile.packages_for(subdir)
            if package.manager == "pip"
        }
        selected = exported.select(
            environment=describe_environment("3.11.5", subdir),
            tags=list_tags("3.11.5", subdir, glibc="2.28"),
        )
        assert {
            package.name: file.hashes["sha256"]  # type: ignore[union-attr]  # all are archives
            for package, file in selected
        } == packages
        assert ("colorama" in packages) is (subdir == "win-64")


def test_all_files_of_a_package_that_will_do_stand_in_one_entry(exported: Pylock) -> None:
    (entry,) = (package for package in exported.packages if package.name == "markupsafe")

    assert entry.marker is None
    assert entry.sdist is not None
    tags = {wheel.filename.rpartition("-")[2] for wheel in entry.wheels or ()}
    assert {"macosx_11_0_arm64.whl", "win_amd64.whl"} < tags
    assert any("x86_64" in tag for tag in tags)


def test_the_export_installs_with_uv(exported: Pylock, tmp_path: Path) -> None:
    del exported
    uv = [find_uv_bin(), "pip", "--no-config"]
    subprocess.run([find_uv_bin(), "venv", "-q", "--python", sys.executable, "v"], check=True)
    done = subprocess.run(
        [*uv, "sync", "--python", "v/bin/python", "pylock.toml"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    if sys.version_info[:2] != (3, 11):
        assert "does not satisfy" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    shown = subprocess.run(
        [tmp_path / "v/bin/python", "-c", "import markupsafe, click; print(click.__version__)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert shown.stdout == "8.1.8\n"
