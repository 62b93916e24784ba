from pathlib import Path

import pytest

from envsync.errors import DefinitionError, EnvsyncError
from envsync.lock.reader import load_lockfile, parse_lockfile
from envsync.model.lockfile import LockedPackage, Lockfile

GOOD = """\
version: 1
metadata:
  content_hash:
    linux-64: abc
  channels:
  - url: conda-forge
    used_env_vars: []
  platforms:
  - linux-64
  sources:
  - conda_dependencies.yml
  custom_metadata:
    envsync.match-specs: '["python"]'
package:
- name: python
  version: '3.11'
  manager: conda
  platform: linux-64
  dependencies:
    tzdata: ''
  url: https://conda.example.org/forge/linux-64/python-3.11-0.conda
  hash:
    md5: 00000000000000000000000000000000
  build: '0'
  category: main
  optional: false
"""


def test_a_lockfile_is_read() -> None:
    assert parse_lockfile(GOOD, file="conda-lock.yml") == Lockfile(
        subdirs=("linux-64",),
        channels=("conda-forge",),
        sources=("conda_dependencies.yml",),
        content_hash=(("linux-64", "abc"),),
        custom_metadata=(("envsync.match-specs", '["python"]'),),
        packages=(
            LockedPackage(
                name="python",
                version="3.11",
                manager="conda",
                subdir="linux-64",
                url="https://conda.example.org/forge/linux-64/python-3.11-0.conda",
                md5="0" * 32,
                build="0",
                dependencies=(("tzdata", ""),),
            ),
        ),
    )


def test_yaml_of_another_style_is_read_alike() -> None:
    flow = GOOD.replace("  - url: conda-forge\n    used_env_vars: []\n", '  - "conda-forge"\n')

    assert parse_lockfile(flow, file="x") == parse_lockfile(GOOD, file="x")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version: 1\n", "version: 7\n", "`x`: version: is `7`, envsync reads version `1`"),
        ("  version: '3.11'\n", "", "`x`: package[0].version: is missing"),
        (
            "manager: conda",
            "manager: npm",
            "`x`: package[0].manager: is `npm`, and neither `conda` nor `pip`",
        ),
        (
            "md5: 0000",
            "md5: zz00",
            "`x`: package[0].hash.md5: is not a md5 or sha256 in hexadecimal digits",
        ),
        (
            "  hash:\n    md5: 00000000000000000000000000000000\n",
            "",
            "`x`: package[0].hash: has neither md5 nor sha256",
        ),
        ("  - linux-64\n", "    linux-64: 1\n", "`x`: metadata.platforms: is not a list"),
        (
            "  content_hash:\n    linux-64: abc\n",
            "  content_hash: abc\n",
            "`x`: metadata.content_hash: is not a mapping",
        ),
        ("  - conda_dependencies.yml", "  - a: b", "`x`: metadata.sources[0]: is not text"),
    ],
)
def test_what_is_wrong_in_a_lockfile_is_named(old: str, new: str, message: str) -> None:
    assert old in GOOD

    with pytest.raises(DefinitionError) as caught:
        parse_lockfile(GOOD.replace(old, new), file="x")

    assert message in [finding.text for finding in caught.value.findings]


def test_a_missing_lockfile_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(EnvsyncError) as caught:
        load_lockfile(tmp_path / "conda-lock.yml")

    assert caught.value.message == f"`{tmp_path}` has no `conda-lock.yml`"
    assert caught.value.hint == f"run `envsync lock {tmp_path}`"


def test_a_folder_in_its_place_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EnvsyncError, match="Is a directory"):
        load_lockfile(tmp_path)


def test_a_lockfile_that_is_not_utf_8_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "conda-lock.yml"
    path.write_bytes(b"version: \xff\xfe")

    with pytest.raises(DefinitionError, match="is not UTF-8 text"):
        load_lockfile(path)


def test_a_lockfile_beyond_all_measure_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "conda-lock.yml"
    with path.open("wb") as stream:
        stream.truncate(1 << 30)

    with pytest.raises(DefinitionError, match="is too large for a lockfile"):
        load_lockfile(path)


def test_hashes_are_read_as_very_old_versions_of_conda_lock_wrote_them() -> None:
    digest = "0" * 32
    old = GOOD.replace(f"  hash:\n    md5: {digest}\n", f"  hash: md5:{digest}\n")

    assert old != GOOD
    assert parse_lockfile(old, file="x") == parse_lockfile(GOOD, file="x")
