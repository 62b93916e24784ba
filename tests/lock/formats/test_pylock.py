from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from packaging.pylock import PackageVcs, Pylock
from support.fakes import pip_package

from envsync.lock.formats.pylock import (
    IndexedFile,
    PylockEntry,
    PylockHead,
    dump_entries,
    is_from_index,
    move_relative,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage


def dump_pylock(*packages: LockedPackage) -> str:
    return dump_entries(PylockEntry(package=package) for package in packages)


def test_a_pylock_names_each_archive_and_its_hash() -> None:
    sdist = pip_package("sdist", url="https://index.example.org/sdist-1.0.tar.gz")

    assert dump_pylock(pip_package("six"), sdist) == (
        'lock-version = "1.0"\n'
        'created-by = "envsync"\n'
        "\n"
        "[[packages]]\n"
        'name = "six"\n'
        'version = "1.0"\n'
        'wheels = [{ url = "https://index.example.org/six-1.0-py3-none-any.whl", '
        f'hashes = {{ sha256 = "{"2" * 64}" }} }}]\n'
        "\n"
        "[[packages]]\n"
        'name = "sdist"\n'
        'version = "1.0"\n'
        'sdist = { url = "https://index.example.org/sdist-1.0.tar.gz", '
        f'hashes = {{ sha256 = "{"2" * 64}" }} }}\n'
    )


REPOSITORY = pip_package("thing", url=f"git+https://h.example/thing.git@{'a' * 40}#subdirectory=x")
LOCAL = pip_package("mine", url="file:my%20wheels/mine-1.0-py3-none-any.whl")


def test_repositories_and_local_files_have_forms_of_their_own() -> None:
    lock = Pylock.from_dict(tomllib.loads(dump_pylock(REPOSITORY, LOCAL)))
    lock.validate()
    thing, mine = lock.packages

    assert thing.vcs == PackageVcs(
        type="git", url="https://h.example/thing.git", commit_id="a" * 40, subdirectory="x"
    )
    assert thing.version is None
    assert mine.wheels is not None
    assert mine.wheels[0].path == "my wheels/mine-1.0-py3-none-any.whl"


def test_a_package_may_have_many_files_a_marker_and_a_revision() -> None:
    files = tuple(
        IndexedFile(url=f"https://h.example/six-1.0{end}", sha256="2" * 64)
        for end in (".tar.gz", "-py2-none-any.whl", "-py3-none-any.whl")
    )
    entries = (
        PylockEntry(
            package=pip_package("six"),
            files=files,
            marker="sys_platform == 'linux'",
            index="https://h.example/simple",
        ),
        PylockEntry(package=REPOSITORY, revision="main"),
    )
    head = PylockHead(environments=("sys_platform == 'linux'",), requires_python="==3.11.*")

    lock = Pylock.from_dict(tomllib.loads(dump_entries(entries, head)))
    lock.validate()

    six, thing = lock.packages
    assert str(six.marker) == 'sys_platform == "linux"'
    assert six.index == "https://h.example/simple"
    assert six.sdist is not None
    assert len(six.wheels or ()) == 2
    assert thing.vcs is not None
    assert thing.vcs.requested_revision == "main"
    assert str(lock.requires_python) == "==3.11.*"
    assert [str(each) for each in lock.environments or ()] == ['sys_platform == "linux"']


@pytest.mark.parametrize(
    ("folder", "url"),
    [
        ("lock", "file:my%20wheels/mine-1.0-py3-none-any.whl"),
        (".", "file:lock/my%20wheels/mine-1.0-py3-none-any.whl"),
        ("lock/deep", "file:../my%20wheels/mine-1.0-py3-none-any.whl"),
        ("other/place", "file:../../lock/my%20wheels/mine-1.0-py3-none-any.whl"),
    ],
)
def test_a_local_file_is_named_from_where_the_pylock_lies(
    tmp_path: Path, folder: str, url: str
) -> None:
    assert move_relative(LOCAL, tmp_path / "lock", tmp_path / folder).url == url
    assert move_relative(REPOSITORY, tmp_path / "lock", tmp_path / folder) == REPOSITORY


@pytest.mark.parametrize(
    ("url", "is_there"),
    [
        ("https://index.example.org/six-1.0-py3-none-any.whl", True),
        ("http://127.0.0.1:1/six-1.0.tar.gz", True),
        ("file:my%20wheels/mine-1.0-py3-none-any.whl", False),
        (f"git+https://h.example/thing.git@{'0' * 40}", False),
    ],
)
def test_an_index_may_have_more_of_an_archive_elsewhere(url: str, *, is_there: bool) -> None:
    assert is_from_index(url) is is_there


def test_a_pylock_of_nothing_is_one_all_the_same() -> None:
    assert Pylock.from_dict(tomllib.loads(dump_entries([]))).packages == []
