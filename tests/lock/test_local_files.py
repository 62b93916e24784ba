from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from support.fakes import pip_package

from envsync.lock.local_files import find_changed_files, find_relative_path
from envsync.model.lockfile import Lockfile

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:a%20b/x.whl", "a b/x.whl"),
        ("file:///a/x.whl", None),
        ("https://h/x.whl", None),
    ],
)
def test_only_a_path_without_a_slash_starts_at_the_lock(url: str, path: str | None) -> None:
    assert find_relative_path(url) == path


def test_a_file_that_is_gone_or_another_than_was_locked_is_named(tmp_path: Path) -> None:
    content = b"wheel"
    digest = hashlib.sha256(content).hexdigest()
    packages = tuple(
        pip_package(name, url=f"file:my%20wheels/{name}.whl", sha256=digest)
        for name in ("same", "other", "gone")
    )
    lockfile = Lockfile(
        subdirs=(), channels=(), sources=(), content_hash=(), packages=(*packages, pip_package("x"))
    )
    (tmp_path / "my wheels").mkdir()
    (tmp_path / "my wheels" / "same.whl").write_bytes(content)
    (tmp_path / "my wheels" / "other.whl").write_bytes(b"another")

    assert list(find_changed_files(lockfile, tmp_path)) == [
        "`my wheels/gone.whl` is not there",
        "`my wheels/other.whl` is not the file that was locked",
    ]
