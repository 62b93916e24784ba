from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from envsync.package.witnesses import (
    find_drift,
    find_site_packages,
    hash_witnesses,
    list_witnesses,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SITE = "lib/python3.11/site-packages"


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    prefix = tmp_path / "env"
    for name in ("conda-meta/six-1.17.0-0.json", f"{SITE}/idna-3.10.dist-info/RECORD"):
        _write(prefix, name, "first")
    _write(prefix, f"{SITE}/six.py", "first")
    _write(prefix, f"{SITE}/idna/core.py", "first")
    return prefix


@pytest.fixture
def drift(prefix: Path) -> Callable[[], tuple[str, ...]]:
    """Return what tells how the prefix differs from what it was when this was called."""
    stamps = list_witnesses(prefix)
    hashes = hash_witnesses(prefix, stamps)
    return lambda: find_drift(prefix, stamps, hashes)


def _write(prefix: Path, name: str, content: str) -> None:
    path = prefix / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_an_untouched_prefix_has_not_drifted(drift: Callable[[], tuple[str, ...]]) -> None:
    assert drift() == ()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("conda-meta/zlib-1.3-h0_0.json", "conda's `zlib-1.3-h0_0` was added"),
        ("conda-meta/six-1.17.0-0.json", "conda's `six-1.17.0-0` was changed"),
        (f"{SITE}/requests-2.32.dist-info/RECORD", "`requests-2.32` was added"),
        (f"{SITE}/idna-3.10.dist-info/RECORD", "`idna-3.10` was changed"),
        (f"{SITE}/old-1.0.egg-info/PKG-INFO", "`old-1.0` was added"),
        (f"{SITE}/six.py", f"`{SITE}/six.py` was changed"),
        (f"{SITE}/mine.pth", f"`{SITE}/mine.pth` was added"),
        (f"{SITE}/mine/__init__.py", f"`{SITE}/mine` was added"),
        ("lib/python3.12/site-packages/x.py", "`lib/python3.12/site-packages/x.py` was added"),
    ],
)
def test_what_came_or_changed_is_named(
    prefix: Path, drift: Callable[[], tuple[str, ...]], name: str, said: str
) -> None:
    _write(prefix, name, "another")

    assert drift() == (said,)


def test_what_went_is_named(prefix: Path, drift: Callable[[], tuple[str, ...]]) -> None:
    (prefix / "conda-meta/six-1.17.0-0.json").unlink()
    (prefix / SITE / "idna-3.10.dist-info/RECORD").unlink()
    (prefix / SITE / "idna-3.10.dist-info").rmdir()

    assert drift() == ("`idna-3.10` was removed", "conda's `six-1.17.0-0` was removed")


def test_packages_are_named_rather_than_their_files(
    prefix: Path, drift: Callable[[], tuple[str, ...]]
) -> None:
    for name in ("requests-2.32.dist-info/RECORD", "requests/__init__.py", "helper.py"):
        _write(prefix, f"{SITE}/{name}", "")

    assert drift() == ("`requests-2.32` was added",)


def test_another_time_is_no_drift_if_the_bytes_are_the_same(
    prefix: Path, drift: Callable[[], tuple[str, ...]]
) -> None:
    for path in prefix.rglob("*"):
        os.utime(path, (1, 1))

    assert drift() == ()


@pytest.mark.parametrize(
    "name",
    [f"{SITE}/__pycache__/six.cpython-311.pyc", "conda-meta/state", f"{SITE}/idna/data.bin"],
)
def test_what_running_leaves_behind_is_no_drift(
    prefix: Path, drift: Callable[[], tuple[str, ...]], name: str
) -> None:
    _write(prefix, name, "made since")

    assert drift() == ()


def test_a_link_to_the_folder_of_a_python_is_no_second_one(prefix: Path) -> None:
    before = list_witnesses(prefix)
    (prefix / "lib/python3.1").symlink_to("python3.11")

    assert list_witnesses(prefix) == before


def test_nothing_at_all_has_no_witnesses(tmp_path: Path) -> None:
    assert list_witnesses(tmp_path / "nowhere") == {}


def test_a_link_in_the_place_of_site_packages_is_not_looked_into(
    prefix: Path, tmp_path: Path
) -> None:
    (prefix / "lib" / "python3.9").mkdir()
    (prefix / "lib" / "python3.9" / "site-packages").symlink_to(tmp_path)

    assert find_site_packages(prefix) == (prefix / SITE,)
