from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from envsync.lock.reader import load_lockfile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from channel import Served
    from conftest import Done

pytestmark = pytest.mark.e2e


def version_of(directory: Path, name: str, subdir: str = "linux-64") -> str:
    packages = load_lockfile(directory / "conda-lock.yml").packages_for(subdir)
    (found,) = (package.version for package in packages if package.name == name)
    return found


@pytest.fixture
def old_six(envsync: Callable[..., Done], define: Callable[..., Path], channel: object) -> Path:
    """Return a definition whose lock has a six that is not the newest, though nothing pins it."""
    del channel
    define("python", "six=1.16", pip=("click==8.1.8",))
    assert envsync("lock", "d").status == 0
    directory = define("python", "six", pip=("click",))
    assert version_of(directory, "six") == "1.16.0"
    return directory


def test_a_relock_keeps_what_still_fits(old_six: Path, envsync: Callable[..., Done]) -> None:
    done = envsync("lock", "d")

    assert done.status == 0
    assert version_of(old_six, "six") == "1.16.0"
    assert version_of(old_six, "click") == "8.1.8"


def test_update_moves_what_it_names_and_nothing_else(
    old_six: Path, envsync: Callable[..., Done]
) -> None:
    done = envsync("lock", "d", "--update", "six")

    assert "linux-64: up six 1.16.0 → 1.17.0" in done.stderr
    assert version_of(old_six, "six") == "1.17.0"
    assert version_of(old_six, "click") == "8.1.8"


def test_an_update_of_what_is_not_there_is_said_to_move_nothing(
    old_six: Path, envsync: Callable[..., Done]
) -> None:
    done = envsync("lock", "d", "--update", "sixx")

    assert (
        "`sixx` is not updated: `d/conda-lock.yml` has no such package; did you mean `six`?\n"
    ) in done.stderr
    assert version_of(old_six, "six") == "1.16.0"


def test_update_moves_pip_packages_too(old_six: Path, envsync: Callable[..., Done]) -> None:
    envsync("lock", "d", "--update", "click")

    assert version_of(old_six, "six") == "1.16.0"
    assert version_of(old_six, "click") != "8.1.8"


def test_upgrade_moves_everything(old_six: Path, envsync: Callable[..., Done]) -> None:
    envsync("lock", "d", "--upgrade")

    assert version_of(old_six, "six") == "1.17.0"
    assert version_of(old_six, "click") != "8.1.8"


def test_a_move_comes_with_its_reason(
    old_six: Path, envsync: Callable[..., Done], define: Callable[..., Path]
) -> None:
    del old_six
    define("python", "six=1.17", pip=("click",))

    done = envsync("lock", "d")

    assert "linux-64: up six 1.16.0 → 1.17.0 (the definition asks for `six=1.17`)\n" in done.stderr


def test_more_changes_than_allowed_are_refused(old_six: Path, envsync: Callable[..., Done]) -> None:
    before = (old_six / "conda-lock.yml").read_bytes()

    done = envsync("lock", "d", "--upgrade", "--max-changes", "1")

    assert done.status == 1
    assert "`d/conda-lock.yml` would change 2 packages, more than the 1" in done.stderr
    assert (old_six / "conda-lock.yml").read_bytes() == before


def test_a_fresh_lock_asks_no_channel(
    old_six: Path, envsync: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    envsync("lock", "d")
    monkeypatch.setenv("ENVSYNC_CONFIG", str(old_six / "nowhere.toml"))

    assert envsync("lock", "d") == (0, "", "`d/conda-lock.yml` is unchanged\n")


def test_facts_about_machines_are_recorded_and_kept(
    old_six: Path, envsync: Callable[..., Done], define: Callable[..., Path]
) -> None:
    envsync("lock", "d", "--system-requirements", "glibc=2.17")
    define("python", "six", "tomli", pip=("click",))
    envsync("lock", "d")

    metadata = dict(load_lockfile(old_six / "conda-lock.yml").custom_metadata)

    assert "__glibc=2.17=0" in metadata["envsync.virtual-packages.linux-64"]


@pytest.mark.usefixtures("realchannel")
def test_the_world_can_be_locked_as_it_was(
    envsync: Callable[..., Done], define: Callable[..., Path]
) -> None:
    directory = define("python=3.11", "numpy")

    assert envsync("lock", "d", "--exclude-newer", "2024-06-30").status == 0
    then = version_of(directory, "numpy")
    define("python=3.11", "numpy", "joblib")
    envsync("lock", "d")
    kept = dict(load_lockfile(directory / "conda-lock.yml").custom_metadata)
    envsync("lock", "d", "--exclude-newer", "none", "--upgrade")

    assert then == "2.0.0"
    assert kept["envsync.exclude-newer"] == "2024-06-30"
    assert version_of(directory, "numpy") not in (then, "2.0.0")


@pytest.mark.usefixtures("realchannel")
def test_a_subdir_that_fails_does_not_undo_the_others(
    envsync: Callable[..., Done], define: Callable[..., Path]
) -> None:
    directory = define("python=3.11", "vc14_runtime")

    done = envsync("lock", "d", "--subdir", "linux-64", "--subdir", "win-64")

    assert done.status == 1
    assert "Error: No solution for `linux-64`" in done.stderr
    assert load_lockfile(directory / "conda-lock.yml").subdirs == ("win-64",)


@pytest.mark.usefixtures("channel")
def test_many_definitions_are_locked_in_one_run_though_one_is_wrong(
    envsync: Callable[..., Done], define: Callable[..., Path], tmp_path: Path
) -> None:
    shutil.copytree(define("python", "no-such-package"), tmp_path / "wrong")
    shutil.copytree(define("python"), tmp_path / "other")

    done = envsync("lock", "d", "wrong", "nowhere", "other")

    assert done.status == 2
    assert "Error: `wrong`: No solution for `linux-64`" in done.stderr
    assert "Error: `nowhere`: " in done.stderr
    for name in ("d", "other"):
        assert f"{name}: Solving conda packages for linux-64\n" in done.stderr
        assert version_of(tmp_path / name, "python")
    assert not (tmp_path / "wrong" / "conda-lock.yml").exists()


@pytest.mark.usefixtures("channel")
def test_what_requirements_files_ask_for_is_locked_and_watched(
    envsync: Callable[..., Done], define: Callable[..., Path]
) -> None:
    directory = define("python", pip=("-r requirements.txt",))
    (directory / "requirements.txt").write_text("tomli==2.2.1\n")

    assert envsync("lock", "d").status == 0
    assert version_of(directory, "tomli") == "2.2.1"
    assert envsync("check", "d").status == 0

    (directory / "requirements.txt").write_text("tomli==2.3.0\n")
    assert "under `pip:`, changed `tomli==2.2.1` to `tomli==2.3.0`" in envsync("check", "d").stderr


@pytest.mark.usefixtures("channel")
def test_what_has_no_hash_is_an_error_or_left_out_with_a_warning(
    envsync: Callable[..., Done], define: Callable[..., Path]
) -> None:
    directory = define("python", pip=("tomli==2.2.1", "./mine"))
    (directory / "mine").mkdir()
    (directory / "mine" / "pyproject.toml").write_text('[project]\nname = "mine"\nversion = "1"\n')

    refused = envsync("lock", "d")
    allowed = envsync("lock", "d", "--allow-unreproducible")

    assert refused.status == 2
    assert "`./mine` lies on this machine only" in refused.stderr
    assert allowed.status == 0
    assert "Warning: " in allowed.stderr
    packages = load_lockfile(directory / "conda-lock.yml").packages
    assert {package.name for package in packages} >= {"tomli"}
    assert "mine" not in {package.name for package in packages}


@pytest.mark.usefixtures("realchannel")
def test_the_python_that_the_sdk_would_have_put_in_its_place_is_said(
    envsync: Callable[..., Done], define: Callable[..., Path]
) -> None:
    define("python=3.9.*")

    assert "the Azure ML SDK would have saved `python=3.10.18`" in envsync("lock", "d").stderr


def test_offline_asks_the_caches_alone(
    envsync: Callable[..., Done], define: Callable[..., Path], channel: Served
) -> None:
    define("python", pip=("tomli==2.2.1",))
    envsync("lock", "d")
    directory = define("python", "six", pip=("tomli==2.2.1",))
    envsync("lock", "d")
    asked = len(channel.requests)

    done = envsync("lock", "d", "--upgrade", "--offline")
    never = envsync("lock", str(define("python", pip=("never-fetched-before",))), "--offline")

    assert done.status == 0, done.stderr
    assert len(channel.requests) == asked
    assert never.status == 1
    assert "never-fetched-before" in never.stderr
    assert version_of(directory, "six")
