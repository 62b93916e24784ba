import os
import time
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


def test_a_section_that_is_empty_holds_nothing() -> None:
    bare = "version: 1\nmetadata:\n  content_hash:\n  platforms:\n  - linux-64\npackage:\n"

    lockfile = parse_lockfile(bare, file="x")

    assert (lockfile.packages, lockfile.sources, lockfile.content_hash) == ((), (), ())
    assert parse_lockfile(bare + "\n", file="x") == lockfile


def test_the_commit_that_conda_lock_writes_as_a_hash_is_none() -> None:
    url = f"git+https://h.example/thing.git@{'ab' * 20}"
    text = GOOD + (
        "- name: thing\n  version: '1.0'\n  manager: pip\n  platform: linux-64\n"
        f"  url: {url}\n  hash:\n    sha256: {'ab' * 20}\n"
    )

    package = parse_lockfile(text, file="conda-lock.yml").packages[-1]

    assert (package.url, package.sha256) == (url, None)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version: 1\n", "version: 7\n", "`x`:1: version: is `7`, envsync reads version `1`"),
        ("  version: '3.11'\n", "", "`x`:15: package[0].version: is missing"),
        (
            "manager: conda",
            "manager: npm",
            "`x`:17: package[0].manager: is `npm`, and neither `conda` nor `pip`",
        ),
        (
            "md5: 0000",
            "md5: zz00",
            "`x`:23: package[0].hash.md5: is not a md5 or sha256 in hexadecimal digits",
        ),
        (
            "  hash:\n    md5: 00000000000000000000000000000000\n",
            "",
            "`x`:15: package[0].hash: has neither md5 nor sha256",
        ),
        ("  - linux-64\n", "    linux-64: 1\n", "`x`:8: metadata.platforms: is not a list"),
        (
            "  content_hash:\n    linux-64: abc\n",
            "  content_hash: abc\n",
            "`x`:3: metadata.content_hash: is not a mapping",
        ),
        ("  - conda_dependencies.yml", "  - a: b", "`x`:11: metadata.sources[0]: is not text"),
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


def test_what_never_ends_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    for path in (tmp_path / "fifo", Path("/dev/zero")):
        with pytest.raises(DefinitionError, match="is no regular file"):
            load_lockfile(path)


@pytest.mark.slow
@pytest.mark.parametrize("count", [150_000, 2_000_000])
def test_nonsense_in_any_number_is_refused_soon(count: int) -> None:
    start = time.perf_counter()
    with pytest.raises(DefinitionError):
        parse_lockfile("version: 1\npackage:\n" + "- name: a\n" * count, file="x")
    assert time.perf_counter() - start < 5


def test_a_lockfile_that_is_not_utf_8_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "conda-lock.yml"
    path.write_bytes(b"version: \xff\xfe")

    with pytest.raises(DefinitionError, match="`:1: this is not UTF-8 text"):
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


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("md5: " + "0" * 32, 'md5: "' + "0" * 32 + '"', None),
        ("    tzdata: ''\n", '    tzdata: ""\n', None),
        ("name: python\n", "name: &name python\n", None),
        ("manager: conda", "manager: conda\n  manager: pip", "`x`:18: `manager` is there twice"),
        ("- name: python", "- &b name: *a", "`*a` is an alias of nothing"),
        (
            "python-3.11-0.conda\n",
            "python-3.11-0.conda\n  url: x\n",
            "`x`:22: `url` is there twice",
        ),
        (
            "linux-64\n  sources",
            "beos-64\n  sources",
            "is `beos-64`, which is no subdir of conda's",
        ),
        ("  sources:", "  - linux-64\n  sources:", "metadata.platforms[1]: is `linux-64` again"),
        ("platforms:\n  - linux-64", "platforms:\n  - osx-64", "lacks `linux-64`, for which"),
        ("version: '3.11'", "version: [3, 11]", "package[0].version: is not text"),
        ("version: '3.11'", "version: ''", "package[0].version: is empty"),
        ("version: '3.11'", "version: null", "package[0].version: is empty"),
        (
            "name: python",
            'name: "py\\ethon"',
            "package[0].name: has characters that can't be shown",
        ),
        ("url: conda-forge", "url: https://a:b@c.example/d", "holds credentials"),
        ("md5: 0000", "md5: 000", "package[0].hash.md5: is not a md5 or sha256"),
        ("md5: 0000", "sha512: 0000", "package[0].hash.sha512: is not a md5 or sha256"),
        ("package:\n-", "package:\n- x\n-", "package[0]: is not a mapping"),
    ],
)
def test_what_was_edited_into_nonsense_is_refused(old: str, new: str, message: str | None) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new)
    if message is None:
        assert parse_lockfile(text, file="x") == parse_lockfile(GOOD, file="x")
        return

    with pytest.raises(DefinitionError) as caught:
        parse_lockfile(text, file="x")

    assert message in caught.value.findings[0].text
    assert caught.value.findings[0].line is not None
    assert caught.value.findings[0].hint


@pytest.mark.parametrize("text", ["", "[]", "- a\n", "text", "a: &a [*a]", "{}", "version: 1: 2"])
def test_what_is_no_lockfile_at_all_is_refused(text: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_lockfile(text, file="x")
    assert caught.value.findings[0].hint or caught.value.hint


def test_aliases_that_stand_for_more_and_more_are_refused_in_no_time() -> None:
    bomb = "a0: &a0 [x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 64))

    with pytest.raises(DefinitionError, match="with its aliases, has over"):
        parse_lockfile(bomb, file="x")


def test_an_entry_for_each_category_of_a_package_counts_once() -> None:
    entry = GOOD[GOOD.index("- name") :]

    lockfile = parse_lockfile(GOOD + entry.replace("main", "dev"), file="x")

    assert lockfile == parse_lockfile(GOOD, file="x")


def test_the_place_of_a_finding_is_known_in_any_style() -> None:
    flow = "{version: 1, metadata: {},\n package: [{name: x, manager: npm}]}"

    with pytest.raises(DefinitionError) as caught:
        parse_lockfile(flow, file="x")

    texts = [finding.text for finding in caught.value.findings]
    assert "`x`:2: package[0].manager: is `npm`, and neither `conda` nor `pip`" in texts


@pytest.mark.slow
def test_a_hundred_thousand_entries_are_read() -> None:
    head, entry = GOOD[: GOOD.index("- name")], GOOD[GOOD.index("- name") :]
    entries = (entry.replace("python", f"p{number}") for number in range(100_000))

    lockfile = parse_lockfile(head + "".join(entries), file="x")

    assert len(lockfile.packages) == 100_000


def test_yaml_of_another_style_has_a_bound() -> None:
    text = GOOD + "# filling\n" * 500_000 + "x: [1]\n"

    with pytest.raises(DefinitionError, match="is read only as conda-lock writes it"):
        parse_lockfile(text, file="x")


def test_a_build_that_old_versions_of_conda_lock_left_out_is_in_the_address() -> None:
    old = GOOD.replace("  build: '0'\n", "  build: null\n")

    assert old != GOOD
    assert parse_lockfile(old, file="x") == parse_lockfile(GOOD, file="x")


def test_an_empty_hash_is_none() -> None:
    text = GOOD.replace("  build: '0'\n", "    sha256: null\n  build: '0'\n")

    assert text != GOOD
    assert parse_lockfile(text, file="x") == parse_lockfile(GOOD, file="x")


def test_nesting_beyond_measure_is_refused() -> None:
    text = "".join(f"{' ' * depth}a:\n" for depth in range(1500))

    with pytest.raises(DefinitionError, match="the nesting is deeper than"):
        parse_lockfile(text, file="x")


def test_a_null_list_is_an_empty_one() -> None:
    text = GOOD.replace("  sources:\n  - conda_dependencies.yml\n", "  sources: null\n")

    assert text != GOOD
    assert parse_lockfile(text, file="x").sources == ()


@pytest.mark.parametrize(
    "digest", ["../../etc/passwd", "0" * 63, "A" * 64, "", f"{'0' * 64}/manifests/x"]
)
def test_a_base_image_whose_digest_is_none_is_refused_with_its_line(digest: str) -> None:
    base = f"    envsync.base-image: 'example.com/base:1@sha256:{digest}'\n"
    text = GOOD.replace("  custom_metadata:\n", f"  custom_metadata:\n{base}")

    with pytest.raises(DefinitionError) as caught:
        parse_lockfile(text, file="conda-lock.yml")

    (finding,) = caught.value.findings
    assert finding.message == "has a digest that is none"
    assert finding.line == 13
