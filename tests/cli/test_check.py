from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from support.fakes import conda_package
from support.locks import make_lock

from envsync.model.subdir import current_subdir

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Done


@pytest.fixture
def locked(define: Callable[..., Path]) -> Callable[..., Path]:
    """Write a definition and a lock that answers it, without solving."""

    def write(*dependencies: str) -> Path:
        directory = define(*dependencies)
        subdirs = tuple(sorted({"linux-64", str(current_subdir())}))
        text = make_lock(directory, conda_package("python", "3.11"), subdirs=subdirs)
        (directory / "conda-lock.yml").write_text(text, encoding="utf-8")
        return directory

    return write


def test_a_fresh_lock_is_fresh(envsync: Callable[..., Done], locked: Callable[..., Path]) -> None:
    locked("python=3.11")

    assert envsync("check", "d") == (0, "`d/conda-lock.yml` is fresh\n", "")


def test_what_makes_it_stale_is_said_with_the_way_out(
    envsync: Callable[..., Done], locked: Callable[..., Path], define: Callable[..., Path]
) -> None:
    locked("python=3.11", "six")
    define("python=3.12", "lightgbm", "six")

    assert envsync("check", "d") == (
        1,
        "",
        (
            "Error: `d/conda-lock.yml` is stale: `conda_dependencies.yml` added `lightgbm`\n"
            "Error: `d/conda-lock.yml` is stale: `conda_dependencies.yml` changed `python=3.11` to "
            "`python=3.12`\n"
            "Hint: run `envsync lock d`\n"
        ),
    )


def test_a_missing_lock_is_an_error_with_the_way_out(
    envsync: Callable[..., Done], define: Callable[..., Path]
) -> None:
    define("python")

    assert envsync("check", "d") == (
        1,
        "",
        "Error: `d` has no `conda-lock.yml`\nHint: run `envsync lock d`\n",
    )


def test_files_of_a_definition_stand_for_their_folder(
    envsync: Callable[..., Done], locked: Callable[..., Path]
) -> None:
    locked("python=3.11")

    done = envsync("check", "d/conda-lock.yml", "d/conda_dependencies.yml", "d")

    assert done == (0, "`d/conda-lock.yml` is fresh\n", "")


def test_every_definition_is_checked_though_one_is_wrong(
    envsync: Callable[..., Done], locked: Callable[..., Path]
) -> None:
    locked("python=3.11")

    done = envsync("check", "nowhere", "d")

    assert done.status == 2
    assert done.stdout == "`d/conda-lock.yml` is fresh\n"
    assert "nowhere" in done.stderr


def test_a_lock_that_is_none_is_an_error(
    envsync: Callable[..., Done], locked: Callable[..., Path]
) -> None:
    lockfile = locked("python=3.11") / "conda-lock.yml"
    lockfile.write_text(lockfile.read_text()[:300], encoding="utf-8")

    done = envsync("check", "d")

    assert done.status == 2
    assert done.stderr.startswith("Error: `d/conda-lock.yml`:")


def test_every_definition_below_a_folder_is_checked(
    envsync: Callable[..., Done], locked: Callable[..., Path], tmp_path: Path
) -> None:
    shutil.copytree(locked("python=3.11"), tmp_path / "deep" / "er")

    assert envsync("check", "--all", ".").stdout == (
        "`d/conda-lock.yml` is fresh\n`deep/er/conda-lock.yml` is fresh\n"
    )
    assert envsync("check", "--all", "d/conda-lock.yml").stdout == "`d/conda-lock.yml` is fresh\n"


def test_a_folder_without_definitions_is_a_usage_error(
    envsync: Callable[..., Done], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()

    done = envsync("check", "--all", "empty")

    assert done.status == 2
    assert done.stderr == (
        "Error: No definition below `empty`\n"
        "Hint: those count that have an `azureml_environment.json` or a lock\n"
    )
    assert envsync("check", "--all", "nope").stderr == (
        "Error: `nope` is no folder\nHint: give the folder to look in\n"
    )


V2 = """\
$schema: https://azuremlschemas.azureedge.net/latest/environment.schema.json
name: two
image: example.azurecr.io/base@sha256:{digest}
conda_file: conda.yml
"""


@pytest.mark.e2e
@pytest.mark.usefixtures("channel")
def test_definitions_of_other_formats_that_have_a_lock_are_checked_too(
    envsync: Callable[..., Done], locked: Callable[..., Path], tmp_path: Path
) -> None:
    locked("python=3.11")
    conda = "name: two\nchannels: [conda-forge]\ndependencies: [python=3.11]\n"
    for name in ("v2", "plain", ".hidden", "env"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "conda.yml").write_text(conda)
    (tmp_path / "v2/curated.yml").write_text(V2.format(digest="0" * 64))
    for source in ("v2/curated.yml", "plain", ".hidden", "env/conda.yml"):
        assert envsync("lock", source).status == 0, source
    (tmp_path / "env/conda-meta").mkdir()
    (tmp_path / "plain/conda.yml").write_text(conda.replace("3.11", "3.10"))

    done = envsync("check", "--all", ".")

    assert done.status == 1
    assert done.stdout == "`d/conda-lock.yml` is fresh\n`v2/conda-lock.yml` is fresh\n"
    assert done.stderr.startswith("Error: `plain/conda-lock.yml` is stale: ")


def test_a_lock_that_lacks_a_package_is_said_to(
    envsync: Callable[..., Done], locked: Callable[..., Path]
) -> None:
    lockfile = locked("python=3.11") / "conda-lock.yml"
    text = lockfile.read_text(encoding="utf-8")
    needy = text.replace("dependencies: {}", "dependencies:\n    openssl: ''")
    assert needy != text
    lockfile.write_text(needy, encoding="utf-8")

    done = envsync("check", "d")

    assert done == (
        1,
        "",
        (
            "Error: `d/conda-lock.yml` is inconsistent: `linux-64` lacks `openssl`, which `python` "
            "needs\n"
        ),
    )
