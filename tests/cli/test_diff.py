from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.fakes import conda_package, pip_package
from support.locks import make_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Done

    from envsync.model.lockfile import LockedPackage

PYTHON = conda_package("python", "3.11.9", dependencies=(("openssl", ">=3.1"),))
OPENSSL = conda_package("openssl", "3.1.0")


@pytest.fixture
def locked(define: Callable[..., Path]) -> Callable[..., Path]:
    """Write a definition and a lock for it that has these packages."""

    def write(*packages: LockedPackage) -> Path:
        directory = define("python=3.11")
        (directory / "conda-lock.yml").write_text(make_lock(directory, *packages), encoding="utf-8")
        return directory

    return write


@pytest.fixture
def pair(locked: Callable[..., Path], tmp_path: Path) -> None:
    """Write two locked definitions, `old` and `d`, that differ in three packages."""
    shutil.copytree(locked(PYTHON, OPENSSL, pip_package("six", "1.16")), tmp_path / "old")
    locked(PYTHON, replace(OPENSSL, version="3.5.0"), conda_package("tzdata"))


@pytest.mark.usefixtures("pair")
def test_locks_are_compared_package_by_package(envsync: Callable[..., Done]) -> None:
    assert envsync("diff", "old", "d/conda-lock.yml") == (
        0,
        (
            "linux-64: up openssl 3.1.0 → 3.5.0\n"
            "linux-64: removed six 1.16\n"
            "linux-64: added tzdata 1.0\n"
        ),
        "",
    )


@pytest.mark.usefixtures("pair")
def test_the_status_can_say_it(envsync: Callable[..., Done]) -> None:
    assert envsync("diff", "old", "d", "--exit-code").status == 1
    assert envsync("diff", "old", "old", "--exit-code") == (0, "Nothing differs\n", "")


@pytest.mark.usefixtures("pair")
def test_a_pull_request_gets_a_table(envsync: Callable[..., Done]) -> None:
    assert envsync("diff", "old", "d", "--format", "markdown").stdout == (
        "| subdir | package | change | before | after |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| linux-64 | `openssl` | up | 3.1.0 0 | 3.5.0 0 |\n"
        "| linux-64 | `six` | removed | 1.16 (pip) |  |\n"
        "| linux-64 | `tzdata` | added |  | 1.0 0 |\n"
    )


@pytest.mark.usefixtures("pair")
def test_machines_get_json(envsync: Callable[..., Done]) -> None:
    content = json.loads(envsync("diff", "old", "d", "--format", "json").stdout)

    assert [change["kind"] for change in content["changes"]] == ["up", "removed", "added"]


@pytest.mark.usefixtures("pair")
def test_a_revision_of_git_is_a_side(envsync: Callable[..., Done], tmp_path: Path) -> None:
    git = shutil.which("git")
    assert git is not None
    for words in (
        ["init", "--quiet"],
        ["add", "old"],
        ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "-m", "x"],
    ):
        subprocess.run([git, *words], cwd=tmp_path, check=True)

    done = envsync("diff", "HEAD:old/conda-lock.yml", "d")
    folder = envsync("diff", "HEAD:old", "d")
    missing = envsync("diff", "HEAD:nowhere/conda-lock.yml", "d")

    assert done.stdout.startswith("linux-64: up openssl 3.1.0 → 3.5.0\n")
    assert folder == done
    assert missing.status == 1
    assert missing.stderr.startswith("Error: Cannot read `HEAD:nowhere/conda-lock.yml` from git: ")
    assert missing.stderr.endswith(
        "\nHint: write `REVISION:PATH`; PATH begins at the top of the repository, or with `./`\n"
    )


def test_definitions_are_compared_by_what_they_ask(
    envsync: Callable[..., Done], define: Callable[..., Path], tmp_path: Path
) -> None:
    shutil.copytree(define("python=3.11", "numpy"), tmp_path / "old")
    define("python=3.12", "numpy", pip=("six",))

    assert envsync("diff", "old", "d").stdout == (
        "- python=3.11\n+ pip\n+ python=3.12\n+ pip: six\n"
    )


def test_a_prefix_is_compared_with_its_lock(
    envsync: Callable[..., Done], locked: Callable[..., Path], tmp_path: Path
) -> None:
    locked(PYTHON, OPENSSL, pip_package("six", "1.16"))
    meta = tmp_path / "prefix" / "conda-meta"
    meta.mkdir(parents=True)
    for package in (PYTHON, replace(OPENSSL, version="3.0.0")):
        record = {
            "name": package.name,
            "version": package.version,
            "build": package.build,
            "url": package.url,
            "sha256": package.sha256,
        }
        (meta / f"{package.name}.json").write_text(json.dumps(record))
    info = tmp_path / "prefix" / "lib" / "python3.11" / "site-packages" / "six-1.16.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: six\nVersion: 1.16\n\nText\n")

    assert envsync("diff", "d", "prefix").stdout == "linux-64: down openssl 3.1.0 → 3.0.0\n"


def test_a_definition_and_a_prefix_have_nothing_to_compare(
    envsync: Callable[..., Done], define: Callable[..., Path], tmp_path: Path
) -> None:
    define("python")
    (tmp_path / "prefix" / "conda-meta").mkdir(parents=True)

    done = envsync("diff", "d", "prefix")

    assert done.status == 2
    assert "have nothing in common to compare" in done.stderr


def test_why_shows_the_chain_from_the_definition(
    envsync: Callable[..., Done], locked: Callable[..., Path]
) -> None:
    locked(PYTHON, OPENSSL, conda_package("stray"))

    assert envsync("why", "openssl", "d").stdout == (
        "linux-64: `python=3.11` → python 3.11.9 → openssl 3.1.0\n"
    )
    assert envsync("why", "stray", "d").stdout == "linux-64: stray 1.0\n"
    assert envsync("why", "opensll", "d") == (
        2,
        "",
        "Error: `d/conda-lock.yml` has no package `opensll`\nHint: did you mean `openssl`?\n",
    )


def test_tree_shows_what_stands_below_what_was_asked_for(
    envsync: Callable[..., Done], locked: Callable[..., Path]
) -> None:
    locked(PYTHON, OPENSSL)

    assert envsync("tree", "d").stdout == "python 3.11.9\n  openssl 3.1.0\n"
    assert envsync("tree", "d", "--subdir", "win-64").status == 2


def test_what_speaks_of_other_machines_is_not_called_equal(
    envsync: Callable[..., Done], tmp_path: Path
) -> None:
    (tmp_path / "prefix" / "conda-meta").mkdir(parents=True)
    (tmp_path / "for-windows.txt").write_text(
        "# platform: win-64\n@EXPLICIT\nhttps://conda.example.org/forge/win-64/a-1.0-0.conda#"
        + "0" * 32
    )
    done = envsync("diff", "prefix", "for-windows.txt")

    assert (done.status, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: `prefix` is for `linux-")
    assert "and `for-windows.txt` for `win-64`: there is nothing to compare\n" in done.stderr
