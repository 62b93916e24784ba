import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from conda_lock.lockfile import parse_conda_lock_file
from support.fakes import conda_package, pip_package

from envsync.adapters.conda_lock import compute_content_hash, dump_lockfile
from envsync.errors import EnvsyncError
from envsync.lock import block_yaml
from envsync.lock.reader import parse_lockfile
from envsync.model.environment import CondaSpec
from envsync.model.lockfile import Lockfile

DEFINITION = """\
channels:
- conda-forge
dependencies:
- python=3.11
- numpy=1.24.*
- pip:
  - six==1.16
"""

LOCKFILE = Lockfile(
    subdirs=("linux-64", "osx-arm64"),
    channels=("conda-forge", "defaults"),
    sources=("conda_dependencies.yml",),
    content_hash=(("linux-64", "a" * 64), ("osx-arm64", "b" * 64)),
    custom_metadata=(("envsync.match-specs", '["numpy >=1.24,<2", "python=3.11 *_cpython"]'),),
    packages=(
        conda_package("numpy", "1.24", dependencies=(("python", ">=3.9,<4"), ("x", ""))),
        conda_package("python", "3.11", sha256=None),
        conda_package("python", "3.11", subdir="osx-arm64"),
        pip_package("six", "1.16"),
    ),
)


def test_what_is_written_is_read_back_the_same() -> None:
    text = dump_lockfile(LOCKFILE)

    assert parse_lockfile(text, file="x") == LOCKFILE
    assert dump_lockfile(parse_lockfile(text, file="x")) == text


def test_what_is_written_is_read_without_a_yaml_library() -> None:
    """Which counts for large locks: a library takes seconds for what takes milliseconds here."""
    facts = " ".join(f"__fact{number}=1.{number}=0" for number in range(30))
    requested = ["numpy >=1.24,<2", 'it\'s: "é"', "a @ https://x.org/a.whl#sha256=1"] * 20
    lockfile = replace(
        LOCKFILE,
        sources=("conda_dependencies.yml", "- a", "it's", "a\\b: c", "null", "1.0", ""),
        custom_metadata=(
            ("envsync.match-specs", json.dumps(requested)),
            ("envsync.virtual-packages.linux-64", facts),
            ("other", ""),
        ),
    )
    text = dump_lockfile(lockfile)

    assert block_yaml.parse(text)
    assert parse_lockfile(text, file="x") == lockfile


def test_the_order_of_packages_does_not_change_the_text() -> None:
    turned = Lockfile(
        subdirs=LOCKFILE.subdirs,
        channels=LOCKFILE.channels,
        sources=LOCKFILE.sources,
        content_hash=LOCKFILE.content_hash,
        custom_metadata=LOCKFILE.custom_metadata,
        packages=LOCKFILE.packages[::-1],
    )

    assert dump_lockfile(turned) == dump_lockfile(LOCKFILE)


def test_conda_lock_itself_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "conda-lock.yml"
    path.write_text(dump_lockfile(LOCKFILE), encoding="utf-8")

    parsed = parse_conda_lock_file(path)

    assert {(package.name, package.platform) for package in parsed.package} == {
        (package.name, package.subdir) for package in LOCKFILE.packages
    }


@pytest.mark.slow
def test_the_content_hash_is_the_one_conda_lock_computes(tmp_path: Path) -> None:
    source = tmp_path / "environment.yml"
    source.write_text(DEFINITION, encoding="utf-8")
    script = (
        "import sys, pathlib\n"
        "from conda_lock.content_hash import compute_content_hashes\n"
        "from conda_lock.src_parser import make_lock_spec\n"
        "from conda_lock.virtual_package import default_virtual_package_repodata\n"
        "mapping = pathlib.Path(sys.argv[1]).with_name('mapping.yaml')\n"
        "mapping.write_text('{}')\n"
        "spec = make_lock_spec(src_files=[pathlib.Path(sys.argv[1])],"
        " platform_overrides=['linux-64', 'win-64'], mapping_url=mapping.as_uri())\n"
        "facts = default_virtual_package_repodata()\n"
        "with facts:\n"
        "    print(sorted(compute_content_hashes(spec, facts).items()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(source)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "http_proxy": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1"},
    )

    ours = compute_content_hash(CondaSpec(text=DEFINITION), ["linux-64", "win-64"])

    assert str(list(ours)) == done.stdout.strip()


def test_what_conda_lock_says_meanwhile_is_not_heard(capfd: pytest.CaptureFixture[str]) -> None:
    text = DEFINITION.replace("=1.24.*", " # [win]").replace("1.16", "1.16; python_version > '3'")
    text = text.replace("- conda-forge", "- https://conda.anaconda.org/t/tk-1/conda-forge")

    compute_content_hash(CondaSpec(text=text), ["linux-64"])

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("text", ["dependencies:\n- conda-forge::a[version='1']\n- 5\n", "[]\n"])
def test_a_definition_conda_lock_cannot_read_still_has_a_hash(text: str) -> None:
    ((subdir, digest),) = compute_content_hash(CondaSpec(text=text), ["linux-64"])

    assert subdir == "linux-64"
    assert len(digest) == 64


def test_a_package_without_an_md5_is_an_error_and_no_bug() -> None:
    lockfile = Lockfile(
        subdirs=("linux-64",),
        channels=(),
        sources=(),
        content_hash=(("linux-64", "0" * 64),),
        packages=(conda_package("six", md5=None),),
    )

    with pytest.raises(EnvsyncError, match=r"`six 1\.0` has no md5, which conda-lock insists on"):
        dump_lockfile(lockfile)
