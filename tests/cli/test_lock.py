from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from conda_lock.lockfile import parse_conda_lock_file

from envsync.lock.reader import load_lockfile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from channel import Served
    from conftest import Done

pytestmark = pytest.mark.e2e

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"  # which the channel has


@pytest.mark.usefixtures("channel")
def test_a_definition_is_locked_beside_itself(
    envsync: Callable[..., Done], define: Callable[..., Path]
) -> None:
    directory = define(f"python={PYTHON}", "six")

    done = envsync("lock", "d")

    assert done == (
        0,
        "",
        (
            "Solving conda packages for linux-64\n"
            "linux-64: 2 conda packages, 0 pip packages\n"
            "Wrote `d/conda-lock.yml`\n"
        ),
    )
    assert parse_conda_lock_file(directory / "conda-lock.yml")


@pytest.mark.usefixtures("channel")
def test_locking_again_changes_nothing(
    envsync: Callable[..., Done], define: Callable[..., Path]
) -> None:
    directory = define("python", "six", pip=("httpx==0.28.1",))
    envsync("lock", "d")
    before = (directory / "conda-lock.yml").read_bytes()

    done = envsync("lock", "d")

    assert done.stderr.endswith("`d/conda-lock.yml` is unchanged\n")
    assert (directory / "conda-lock.yml").read_bytes() == before


@pytest.mark.usefixtures("channel")
def test_pip_packages_have_an_address_and_a_hash_and_leave_conda_its_own(
    envsync: Callable[..., Done], define: Callable[..., Path]
) -> None:
    directory = define("python", "six", pip=("python-dateutil==2.9.0.post0",))

    envsync("lock", "d")

    lockfile = load_lockfile(directory / "conda-lock.yml")
    by_name = {package.name: package for package in lockfile.packages}
    assert by_name["six"].manager == "conda"
    assert by_name["pip"].manager == "conda"
    assert by_name["python-dateutil"].manager == "pip"
    assert by_name["python-dateutil"].url.endswith(".whl")
    assert len(by_name["python-dateutil"].sha256 or "") == 64


@pytest.mark.usefixtures("realchannel")
def test_other_subdirs_are_locked_from_here(
    envsync: Callable[..., Done], define: Callable[..., Path]
) -> None:
    directory = define("python=3.11", "numpy")

    done = envsync("lock", "d", "--subdir", "win-64", "--subdir", "osx-arm64")

    assert done.status == 0
    lockfile = load_lockfile(directory / "conda-lock.yml")
    assert lockfile.subdirs == ("osx-arm64", "win-64")
    assert {package.subdir for package in lockfile.packages} == {"osx-arm64", "win-64"}


@pytest.mark.parametrize(
    ("dependencies", "pip", "words"),
    [
        (("no-such-package",), (), ["No solution for `linux-64`", "no-such-package"]),
        (("python", "six=99"), (), ["No solution for `linux-64`", "six 99.*"]),
        (
            ("python", "six"),
            ("six<1",),
            ["The pip requirements contradict the conda packages", "`six<1`", "conda provides"],
        ),
        (("python", "six"), ("httpx==99",), ["No solution for the pip requirements", "httpx"]),
    ],
)
@pytest.mark.usefixtures("channel")
def test_what_cannot_be_solved_says_why_and_leaves_the_old_lock(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    dependencies: tuple[str, ...],
    pip: tuple[str, ...],
    words: list[str],
) -> None:
    lockfile = define(*dependencies, pip=pip) / "conda-lock.yml"
    lockfile.write_text("the old one")

    done = envsync("lock", "d")

    assert done.status == 1
    for word in words:
        assert word in done.stderr
    assert done.stderr.splitlines()[-1].startswith("Hint: ")
    assert "Traceback" not in done.stderr
    assert lockfile.read_text() == "the old one"


def test_a_channel_that_is_not_there_leaves_the_old_lock(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        '[mirrors]\n"https://conda.anaconda.org/conda-forge/" = ["http://127.0.0.1:1/"]\n'
    )
    monkeypatch.setenv("ENVSYNC_CONFIG", str(config))
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "cache"))
    lockfile = define("python") / "conda-lock.yml"
    lockfile.write_text("the old one")

    done = envsync("lock", "d")

    assert done.status == 1
    assert "Error: Cannot read " in done.stderr
    assert lockfile.read_text() == "the old one"


def test_an_unknown_subdir_is_refused_before_anything_is_fetched(
    envsync: Callable[..., Done], define: Callable[..., Path], channel: Served
) -> None:
    define("python")
    asked = len(channel.requests)

    done = envsync("lock", "d", "--subdir", "linux-65")

    assert done.status == 2
    assert done.stderr.startswith("Error: `linux-65` is not a subdir that envsync locks for\n")
    assert len(channel.requests) == asked


@pytest.mark.usefixtures("channel")
def test_a_lock_that_cannot_be_written_is_an_error(
    envsync: Callable[..., Done], define: Callable[..., Path]
) -> None:
    (define("python") / "conda-lock.yml").mkdir()

    done = envsync("lock", "d")

    assert done.status == 1
    assert "conda-lock.yml" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("realchannel")
def test_the_pin_that_stands_in_the_way_is_found_by_solving(
    envsync: Callable[..., Done], define: Callable[..., Path]
) -> None:
    define("python=3.10", "numpy=1.24", "pandas=3")

    done = envsync("lock", "d")

    assert done.status == 1
    assert "pandas 3.0.0 | 3.0.1" in done.stderr
    assert done.stderr.splitlines()[-1].startswith(
        "Hint: relax or drop the version in `pandas=3` (then it is "
    )


@pytest.mark.usefixtures("channel")
def test_a_cache_that_cannot_be_made_is_not_blamed_on_the_network(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    define(f"python={PYTHON}")
    (tmp_path / "file").touch()
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "file/cache"))

    done = envsync("lock", "d")

    assert done.status == 1
    assert f"failed to create directory `{tmp_path}/file/cache" in done.stderr
    assert done.stderr.endswith(
        "Hint: name a folder that you may write to in `RATTLER_CACHE_DIR`\n"
    )
