from dataclasses import replace
from pathlib import Path

import pytest
from support.fakes import conda_package, pip_package

from envsync.adapters.rattler.pixi_lock import load_pixi_lock
from envsync.errors import DefinitionError
from envsync.lock.formats.pixi import dump_pixi
from envsync.model.lockfile import Lockfile

URL = "https://conda.anaconda.org/conda-forge"
LOCKFILE = Lockfile(
    subdirs=("linux-64", "osx-64"),
    channels=("conda-forge", "defaults"),
    sources=(),
    content_hash=(),
    packages=(
        conda_package(
            "numpy",
            "1.24",
            url=f"{URL}/linux-64/numpy-1.24-py311_0.conda",
            build="py311_0",
            dependencies=(("libblas", ">=3,<4.0a0"), ("python", "")),
        ),
        pip_package("six", "1.17"),
        conda_package("old", sha256=None),
        pip_package("thing", url=f"git+https://h.example/thing.git@{'0' * 40}#subdirectory=a%20b"),
        pip_package("mine", url="file:my%20wheels/mine-1.0-py3-none-any.whl"),
        conda_package("tzdata", "2025a", subdir="osx-64", url=f"{URL}/noarch/tzdata-2025a-0.conda"),
    ),
)


def test_rattler_reads_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "pixi.lock"
    path.write_text(dump_pixi(LOCKFILE), encoding="utf-8")

    read = load_pixi_lock(path)

    assert read.subdirs == LOCKFILE.subdirs
    assert set(read.packages) == set(LOCKFILE.packages)
    assert read.channels[0] == f"{URL}/"


def test_a_subdirectory_that_leads_out_of_its_repository_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pixi.lock"
    text = dump_pixi(LOCKFILE).replace("subdirectory=a%20b", "subdirectory=..%2F..")
    path.write_text(text, encoding="utf-8")

    with pytest.raises(DefinitionError, match="`subdirectory` that leads out of what lies there"):
        load_pixi_lock(path)


def test_what_a_pip_package_needs_is_listed() -> None:
    package = pip_package("a", dependencies=(("idna", "*"), ("attrs", ">=20")))

    text = dump_pixi(replace(LOCKFILE, packages=(package,)))

    assert '\n  requires_dist:\n  - "idna"\n  - "attrs>=20"\n' in text


def test_an_archive_for_every_subdir_is_listed_once() -> None:
    shared = [
        conda_package("tzdata", "2025a", subdir=subdir, url=f"{URL}/noarch/tzdata-2025a-0.conda")
        for subdir in LOCKFILE.subdirs
    ]

    _, _, listed = dump_pixi(replace(LOCKFILE, packages=tuple(shared))).rpartition("\npackages:\n")

    assert listed.count("- conda: ") == 1
