"""Metadata of packages that is no plain file, or too large, or names what is not theirs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from support.fakes import pip_package

from envsync.errors import EnvsyncError
from envsync.image.packages.pip_files import PipPlace, list_pip_files
from envsync.package.installed import list_installed
from envsync.package.pip_record import check_records, read_metadata_file, read_record
from envsync.prefix.scripts import retarget_scripts

if TYPE_CHECKING:
    from pathlib import Path

PLACE = PipPlace(prefix="azureml-envs/a", python="python3.11")


@pytest.fixture
def info(tmp_path: Path) -> Path:
    folder = tmp_path / "env" / "lib" / "python3.11" / "site-packages" / "bad-1.0.dist-info"
    folder.mkdir(parents=True)
    (tmp_path / "env" / "conda-meta").mkdir()
    (folder / "METADATA").write_text("Name: bad\nVersion: 1.0\n")
    (folder / "RECORD").write_text("bad-1.0.dist-info/RECORD,,\n")
    (tmp_path / "secret").write_text("Name: secret\nVersion: 1.0\n../bin/secret,,\n")
    return folder


@pytest.mark.parametrize("name", ["METADATA", "RECORD", "entry_points.txt"])
def test_a_pipe_is_refused_and_not_waited_for(info: Path, name: str) -> None:
    (info / name).unlink(missing_ok=True)
    os.mkfifo(info / name)

    with pytest.raises(OSError, match="not a regular file"):
        read_metadata_file(info, name)


def test_a_link_to_another_file_is_not_followed(info: Path, tmp_path: Path) -> None:
    for name in ("METADATA", "RECORD"):
        (info / name).unlink()
        (info / name).symlink_to(tmp_path / "secret")

    assert list_installed(tmp_path / "env", "linux-64") == ()
    with pytest.raises(EnvsyncError, match="a link to something else"):
        read_record(info)


def test_a_link_into_a_cache_is_followed(info: Path, tmp_path: Path) -> None:
    cached = tmp_path / "cache" / "bad-1.0.dist-info"
    cached.mkdir(parents=True)
    (info / "METADATA").rename(cached / "METADATA")
    (info / "METADATA").symlink_to(cached / "METADATA")

    assert [each.name for each in list_installed(tmp_path / "env", "linux-64")] == ["bad"]


def test_a_file_that_is_too_large_is_refused(info: Path) -> None:
    with (info / "RECORD").open("r+b") as stream:
        stream.truncate(1 << 40)  # it takes no room

    with pytest.raises(EnvsyncError, match="too large"):
        read_record(info)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("../../../../secret", "outside of its environment"),
        ("/etc/passwd", "outside of its environment"),
        ("../../../conda-meta/a.json", "belongs to the environment itself"),
        ("../../../bin/python3.11", "belongs to the environment itself"),
    ],
)
def test_a_row_that_leads_elsewhere_is_refused_by_the_name_of_its_package(
    info: Path, tmp_path: Path, row: str, why: str
) -> None:
    (info / "RECORD").write_text(f"{row},,\n")

    with pytest.raises(EnvsyncError) as caught:
        check_records(tmp_path / "env", [pip_package("bad")])

    assert caught.value.message == f"pip package `bad` claims `{row}`, which {_say(why)}"


def _say(why: str) -> str:
    return f"is {why}" if why.startswith("outside") else why


@pytest.mark.parametrize("row", ["../../../../secret", "/etc/passwd", "linked/secret"])
def test_an_image_gets_nothing_from_outside(info: Path, tmp_path: Path, row: str) -> None:
    (info.parent / "linked").symlink_to(tmp_path)
    (info / "RECORD").write_text(f"{row},,\n")

    with pytest.raises(EnvsyncError, match="outside of its environment"):
        list_pip_files(info, unpacked=tmp_path / "env", place=PLACE)


def test_scripts_are_retargeted_without_reading_through_links(info: Path, tmp_path: Path) -> None:
    target = tmp_path / "env"
    (target / "bin").mkdir()
    (target / "bin" / "tool").write_text(f"#!{target}/bin/python\n")
    (target / "bin" / "linked").symlink_to(tmp_path / "secret")
    os.mkfifo(target / "bin" / "pipe")
    before = (tmp_path / "secret").read_bytes()
    (info / "RECORD").unlink()
    (info / "RECORD").symlink_to(tmp_path / "secret")

    with pytest.raises(EnvsyncError, match="a link to something else"):
        retarget_scripts(target, tmp_path / "other")

    assert (tmp_path / "secret").read_bytes() == before


@pytest.mark.parametrize(
    ("link", "row"),
    [
        ("../../../bin", "foo/python3.11"),
        ("../../../conda-meta", "foo/pwn-1-0.json"),
        ("../../..", "foo/lib/python3.11/encodings/__init__.py"),
    ],
)
def test_what_is_the_environments_own_is_so_by_way_of_links_too(
    info: Path, tmp_path: Path, link: str, row: str
) -> None:
    (info.parent / "foo").symlink_to(link)
    (info / "RECORD").write_text(f"{row},,\n")

    with pytest.raises(EnvsyncError, match="belongs to the environment itself"):
        check_records(tmp_path / "env", [pip_package("bad")])


def test_a_path_that_is_too_long_is_refused(info: Path) -> None:
    (info / "RECORD").write_text("a/" * 3000 + "f,,\n")

    with pytest.raises(EnvsyncError, match="a path is too long"):
        read_record(info)
