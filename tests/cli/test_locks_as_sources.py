"""Definitions made from locks: they ask for what is locked, and lock to it again."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Done

pytestmark = pytest.mark.e2e

NAMES = {
    "conda-lock": "conda-lock.yml",
    "pixi": "pixi.lock",
    "explicit": "explicit.txt",
}


@pytest.mark.parametrize("form", ["conda-lock", "pixi", "explicit"])
def test_a_definition_from_a_lock_locks_to_the_same_packages(
    locked: Callable[..., Done], tmp_path: Path, form: str
) -> None:
    source = tmp_path / "d" / NAMES[form]
    if form != "conda-lock":
        assert locked("export", "d", "--format", form, "-o", str(source)).status == 0

    done = locked("save-to-directory", str(source), "e")

    assert (done.status, done.stdout) == (0, "Saved `e`\n")
    assert "hashes have no place in a definition" in done.stderr
    assert locked("lock", "e").status == 0
    changes = json.loads(locked("diff", "d", "e", "--format", "json").stdout)["changes"]
    lost = ["idna"] if form == "explicit" else []  # which has no place for pip packages
    assert [change["name"] for change in changes] == lost


def test_the_locked_base_image_is_that_of_the_definition(
    locked: Callable[..., Done], tmp_path: Path
) -> None:
    lock = tmp_path / "d" / "conda-lock.yml"
    image = f"example.org/base@sha256:{'a' * 64}"
    text = lock.read_text().replace(
        "  custom_metadata:\n", f"  custom_metadata:\n    envsync.base-image: {image}\n"
    )
    lines = [line for line in text.splitlines() if not line.startswith("    envsync.base-image: ")]
    place = lines.index("  custom_metadata:") + 1
    lock.write_text("\n".join([*lines[:place], f"    envsync.base-image: {image}", *lines[place:]]))

    assert locked("save-to-directory", "d/conda-lock.yml", "e").status == 0

    document = json.loads((tmp_path / "e" / "azureml_environment.json").read_text())
    assert document["docker"]["baseImage"] == image


def test_a_lock_that_contradicts_itself_is_no_source(
    locked: Callable[..., Done], tmp_path: Path
) -> None:
    lock = tmp_path / "d" / "conda-lock.yml"
    lock.write_text(lock.read_text().replace("noarch/six", "osx-64/six"))

    done = locked("save-to-directory", "d/conda-lock.yml", "e")

    assert done.status == 2
    assert "is not an archive for `linux-64`, as the entry says" in done.stderr
    assert not (tmp_path / "e").exists()


@pytest.mark.parametrize("form", ["conda-lock", "pixi"])
def test_an_environment_made_from_a_lock_alone_is_run_and_explained_by_that_lock(
    locked: Callable[..., Done], tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")  # no conda that would be advised
    lone = tmp_path / "lone" / NAMES[form]
    lone.parent.mkdir()
    assert locked("export", "d", "--format", "pixi", "-o", "pixi.lock").status == 0
    shutil.copy(tmp_path / ("d/conda-lock.yml" if form == "conda-lock" else "pixi.lock"), lone)

    made = locked("build-local", f"lone/{lone.name}")
    assert made.stderr.endswith(f"`envsync run lone/{lone.name} COMMAND`\n")

    done = locked("run", f"lone/{lone.name}", "python", "-c", "import idna; open('ran', 'w')")
    assert (done.status, done.stderr, (tmp_path / "ran").exists()) == (0, "", True)
    assert locked("why", "idna", f"lone/{lone.name}").stdout.startswith("linux-64: ")
    assert "six 1.17.0" in locked("tree", f"lone/{lone.name}").stdout


def test_an_environment_of_another_lock_is_named_where_a_lock_alone_is_given(
    locked: Callable[..., Done], tmp_path: Path
) -> None:
    assert locked("build-local", "d/conda-lock.yml", "-p", "there").status == 0
    explicit = str(tmp_path / "explicit.txt")
    assert locked("export", "d", "--format", "explicit", "-o", explicit).status == 0

    done = locked("run", "-p", "there", explicit, "python", "-c", "")

    assert done.status == 0
    assert f"was made from another lock than `{explicit}`: it has `idna`" in done.stderr
