"""Locks of what isn't a v1 directory."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from envsync.lock.reader import load_lockfile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Done

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("channel")]

CONDA = f"""\
channels: [conda-forge]
dependencies:
- python={sys.version_info.major}.{sys.version_info.minor}
- six
"""
V2 = "name: a\nimage: b\nconda_file: conda.yml\n"
MODEL = "flavors: {python_function: {env: conda.yaml}}\n"


@pytest.mark.parametrize(
    ("files", "given", "source"),
    [
        ({"env-prod.yml": CONDA}, "d/env-prod.yml", "env-prod.yml"),
        ({"environment.yml": CONDA}, "d", "environment.yml"),
        ({"v2.yml": V2, "conda.yml": CONDA}, "d/v2.yml", "conda.yml"),
        ({"MLmodel": MODEL, "conda.yaml": CONDA}, "d", "conda.yaml"),
    ],
)
def test_definition_is_locked_beside_itself_and_is_fresh_then(
    tmp_path: Path, envsync: Callable[..., Done], files: dict[str, str], given: str, source: str
) -> None:
    (tmp_path / "d").mkdir()
    for name, text in files.items():
        (tmp_path / "d" / name).write_text(text)

    locked, checked = envsync("lock", given), envsync("check", given)

    assert locked.status == 0
    assert checked == (0, "`d/conda-lock.yml` is fresh\n", "")
    lockfile = load_lockfile(tmp_path / "d/conda-lock.yml")
    assert lockfile.sources == (source,)
    assert {package.name for package in lockfile.packages} == {"python", "six"}


def test_environment_that_was_built_becomes_a_definition_that_gives_it_again(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    (tmp_path / "environment.yml").write_text(CONDA + "- pip: [httpx==0.28.1]\n")
    assert envsync("lock", ".").status == 0
    assert envsync("build-local", ".", "-p", "prefix").status == 0

    done = envsync("save-to-directory", "prefix", "back", "--image", "a")

    assert done == (0, "Saved `back`\n", "")
    assert envsync("lock", "back").status == 0
    first, second = (load_lockfile(tmp_path / p / "conda-lock.yml") for p in (".", "back"))
    assert first.packages == second.packages
