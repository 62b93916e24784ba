"""What uv keeps of packages' metadata, read back: against what uv itself has written."""

from __future__ import annotations

import struct
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from support.fakes import pip_package
from support.wheels import make_wheel
from uv import find_uv_bin

from envsync.adapters.uv.metadata import (
    MetadataCache,
    find_cache,
    parse_backend,
    parse_requires,
    read_wheel,
)
from envsync.adapters.uv.msgpack import Value, unpack

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage


def wheel_of(name: str, version: str) -> LockedPackage:
    return pip_package(name, version, url=f"https://h/{name}-{version}-py3-none-any.whl")


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"\x07", 7),
        (b"\xff", -1),
        (b"\xc0", None),
        (b"\xc3", True),
        (b"\xcd\x01\x00", 256),
        (b"\xd1\xff\x00", -256),
        (b"\xcb" + struct.pack(">d", 1.5), 1.5),
        (b"\xa3six", "six"),
        (b"\xd9\x04\xc3\xa4\xc3\xb6", "äö"),
        (b"\xc4\x02\x00\xff", b"\x00\xff"),
        (b"\x92\x01\x91\xa1a", [1, ["a"]]),
        (b"\xdc\x00\x01\x05", [5]),
        (b"\x81\xa1a\xc2", {"a": False}),
        (b"\x01trailing", 1),
    ],
)
def test_messagepack_is_read(content: bytes, value: Value) -> None:
    assert unpack(content) == value


@pytest.mark.parametrize(
    "content", [b"", b"\xa3si", b"\x92\x01", b"\xc1", b"\xa1\xff", b"\xcd\x01"]
)
def test_what_ends_too_early_or_is_no_messagepack_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        unpack(content)


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("requirement", "needs", "builds_with"),
    [
        ("httpcore==1.0.9", "h11>=0.16", ()),
        ("docopt==0.6.2", None, ("setuptools>=40.8.0",)),
    ],
)
def test_uv_keeps_what_it_resolved_where_it_is_looked_for(
    tmp_path: Path, requirement: str, needs: str | None, builds_with: tuple[str, ...]
) -> None:
    name, _, version = requirement.partition("==")
    uv = [find_uv_bin(), "pip", "compile", "-", "--quiet", "--no-config"]
    uv += ["--python", sys.executable, "--cache-dir", str(tmp_path)]
    subprocess.run(uv, input=requirement, text=True, check=True, capture_output=True)
    cache = MetadataCache(tmp_path)

    is_source = bool(builds_with)
    found = (
        cache.find_source(name, version) if is_source else cache.find_wheel(wheel_of(name, version))
    )

    assert found.build_requires == builds_with
    assert needs is None or needs in found.requires


def test_a_cache_that_has_nothing_says_nothing(tmp_path: Path) -> None:
    cache = MetadataCache(tmp_path)
    (tmp_path / "wheels-v9" / "pypi" / "six").mkdir(parents=True)
    (tmp_path / "wheels-v9" / "pypi" / "six" / "1.0-py3-none-any.msgpack").write_bytes(b"\xc1")

    assert cache.find_wheel(wheel_of("six", "1.0")).requires == ()
    assert MetadataCache(tmp_path).find_wheel(wheel_of("six", "1.0")) == cache.find_source(
        "six", "1.0"
    )


def test_a_wheel_says_what_it_needs(tmp_path: Path) -> None:
    assert read_wheel(make_wheel(tmp_path, "top", "1.0", requires="base>=1")).requires == (
        "base>=1",
    )
    with zipfile.ZipFile(tmp_path / "bare.whl", "w") as archive:
        archive.writestr("x.py", "")
    assert read_wheel(tmp_path / "bare.whl").requires == ()
    assert read_wheel(tmp_path / "absent.whl").requires == ()


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        (None, ("setuptools>=40.8.0",)),
        ("[project]\nname = 'x'", ("setuptools>=40.8.0",)),
        ("[build-system]\nrequires = ['flit_core >=3']", ("flit_core >=3",)),
        ("[build-system]\nrequires = 'x'", ()),
        ("not toml", ()),
    ],
)
def test_a_project_names_what_builds_it(text: str | None, needed: tuple[str, ...]) -> None:
    assert parse_backend(text) == needed


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        (None, None),
        ("not toml", None),
        ("[project]\nname = 'x'", ()),
        ("[project]\ndependencies = ['a>1; os_name == \"nt\"']", ('a>1; os_name == "nt"',)),
        ("[project]\ndynamic = ['dependencies']", None),
        (
            "[project.optional-dependencies]\nx = ['a', 'b ; os_name == \"nt\"']",
            ("a ; extra == 'x'", "b ; (os_name == \"nt\") and extra == 'x'"),
        ),
    ],
)
def test_a_project_names_what_runs_it_unless_a_build_decides(
    text: str | None, needed: tuple[str, ...] | None
) -> None:
    assert parse_requires(text) == needed


def test_the_cache_is_where_uv_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def ask() -> str:
        uv = [find_uv_bin(), "cache", "dir", "--no-config"]
        return subprocess.run(uv, capture_output=True, text=True, check=True).stdout.strip()

    assert str(find_cache()) == ask()
    monkeypatch.delenv("UV_CACHE_DIR")
    assert str(find_cache()) == ask()
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert str(find_cache()) == ask()
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path))
    assert find_cache() == tmp_path
