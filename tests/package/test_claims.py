from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from envsync.errors import EnvsyncError
from envsync.package.claims import Claim, is_compiled, list_claims
from envsync.package.installed import list_installed

if TYPE_CHECKING:
    from pathlib import Path

SITE = "lib/python3.11/site-packages"
TITLE = "conda a 1.0 0"


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    (tmp_path / "conda-meta").mkdir()
    return tmp_path


def _record(prefix: Path, *paths: dict[str, Any], **more: object) -> None:
    record = {
        "name": "a",
        "version": "1.0",
        "build": "0",
        "files": [item["_path"] for item in paths],
        "paths_data": {"paths": list(paths)},
        **more,
    }
    (prefix / "conda-meta" / "a-1.0-0.json").write_text(json.dumps(record))


def _wheel(prefix: Path, name: str, rows: str | None, metadata: str = "") -> None:
    info = prefix / SITE / f"{name}.dist-info"
    info.mkdir(parents=True)
    text = metadata or f"Name: {name.partition('-')[0]}\nVersion: {name.partition('-')[2]}\n"
    (info / "METADATA").write_text(text)
    if rows is not None:
        (info / "RECORD").write_text(rows)


def test_a_file_of_conda_is_what_it_was_after_the_prefix_was_written_into_it(prefix: Path) -> None:
    _record(
        prefix,
        {"_path": "bin/a", "path_type": "hardlink", "sha256": "1", "sha256_in_prefix": "2"},
        {"_path": "lib/a", "path_type": "hardlink", "sha256": "3"},
    )
    claims = list_claims(prefix)

    assert claims == {
        "conda-meta/a-1.0-0.json": (Claim(path="conda-meta/a-1.0-0.json", package=TITLE),),
        "bin/a": (Claim(path="bin/a", package=TITLE, sha256=frozenset("2"), original="1"),),
        "lib/a": (Claim(path="lib/a", package=TITLE, sha256=frozenset("3"), original="3"),),
    }


def test_links_folders_scripts_and_compiled_modules_are_told_apart(prefix: Path) -> None:
    _record(
        prefix,
        {"_path": "l1", "path_type": "softlink", "sha256": "1", "sha256_in_prefix": "2"},
        {"_path": "l2", "path_type": "softlink", "sha256": "1"},
        {"_path": "d", "path_type": "directory"},
        {"_path": "bin/x", "path_type": "unix_python_entry_point"},
        {"_path": "x/__pycache__/y.pyc", "path_type": "pyc_file"},
    )
    claims = list_claims(prefix)

    assert claims["l1"][0].sha256 == frozenset("12")
    assert (claims["l1"][0].is_loose, claims["l2"][0].is_loose) == (False, True)
    assert claims["bin/x"][0].sha256 == frozenset()
    assert claims.keys() == {"conda-meta/a-1.0-0.json", "l1", "l2", "bin/x"}


@pytest.mark.parametrize("data", [None, [], {}, {"paths": None}, {"paths": ["x"]}])
def test_records_that_only_list_files_still_claim_them(prefix: Path, data: object) -> None:
    _record(prefix, files=["lib/a"], paths_data=data)

    assert list_claims(prefix)["lib/a"] == (Claim(path="lib/a", package=TITLE),)


def test_a_file_of_pip_is_what_record_says(prefix: Path) -> None:
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"x").digest()).rstrip(b"=").decode()
    rows = (
        f"my_tool.py,sha256={digest},1\n"
        f'"odd,name.py",sha256={digest},1\n'
        "../../../bin/my-tool,,\n"
        "broken.py,sha256=!,1\n"
        "weak.py,md5=x,1\n"
        "../../../../../outside,,\n"
        "__pycache__/my_tool.cpython-311.pyc,,\n"
        "My_Tool-1.0.dist-info/RECORD,,\n"
    )
    _wheel(prefix, "My_Tool-1.0", rows)
    claims = list_claims(prefix)

    right = frozenset({hashlib.sha256(b"x").hexdigest()})
    assert {path: claim[0].sha256 for path, claim in claims.items()} == {
        f"{SITE}/my_tool.py": right,
        f"{SITE}/odd,name.py": right,
        "bin/my-tool": frozenset(),
        f"{SITE}/broken.py": frozenset({"unreadable"}),
        f"{SITE}/weak.py": frozenset(),
        f"{SITE}/My_Tool-1.0.dist-info/RECORD": frozenset(),
    }
    assert {claim[0].package for claim in claims.values()} == {"pip my-tool 1.0"}


def test_what_conda_brought_is_not_pips(prefix: Path) -> None:
    _wheel(prefix, "six-1.17.0", "six.py,,\n")
    _record(prefix, {"_path": f"{SITE}/six-1.17.0.dist-info/RECORD", "path_type": "hardlink"})

    assert [claim.package for claims in list_claims(prefix).values() for claim in claims] == [
        TITLE,
        TITLE,
    ]
    assert [package.name for package in list_installed(prefix, "linux-64")] == ["a"]


def test_a_package_of_pip_without_a_record_claims_just_that(prefix: Path) -> None:
    _wheel(prefix, "old-1.0", None)
    _wheel(prefix, "left-over", "x,,\n", metadata="no headers")

    assert list_claims(prefix).keys() == {f"{SITE}/old-1.0.dist-info/RECORD"}


def test_two_packages_may_claim_one_file(prefix: Path) -> None:
    _record(prefix, {"_path": f"{SITE}/x.py", "path_type": "hardlink", "sha256": "1"})
    _wheel(prefix, "b-1.0", "x.py,,\n")

    assert [claim.package for claim in list_claims(prefix)[f"{SITE}/x.py"]] == [TITLE, "pip b 1.0"]


def test_names_and_versions_are_read_however_the_metadata_is_written(prefix: Path) -> None:
    _wheel(prefix, "a-1", "", metadata="Name:  Zope.Interface \r\nVersion:\t5.0 \r\n\r\nName: no\n")

    found = [(it.name, it.version) for it in list_installed(prefix, "linux-64")]
    assert found == [("zope-interface", "5.0")]


@pytest.mark.parametrize("content", ["", "[]", "{}", "{"])
def test_a_record_that_is_none_is_named(prefix: Path, content: str) -> None:
    (prefix / "conda-meta" / "a.json").write_text(content)

    with pytest.raises(EnvsyncError, match=r"a\.json` is not a record of a package"):
        list_claims(prefix)


def test_what_is_no_environment_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvsyncError, match="is not a conda environment"):
        list_claims(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("path", "compiled"),
    [
        ("__pycache__/x.pyc", True),
        ("lib/__pycache__/x.nbi", True),
        ("lib/x.pyc", False),
        ("lib/my__pycache__/x.pyc", False),
    ],
)
def test_modules_compiled_since_lie_in_folders_of_their_own(path: str, *, compiled: bool) -> None:
    assert is_compiled(path) is compiled
