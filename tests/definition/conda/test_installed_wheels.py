from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.prefixes import SITE, add_wheel

from envsync.definition.conda.installed_wheels import find_pip_packages
from envsync.definition.reading.report import Report

if TYPE_CHECKING:
    from pathlib import Path


def find(prefix: Path) -> tuple[dict[str, str], list[str]]:
    report = Report(str(prefix))
    found = find_pip_packages(prefix, (), report)
    return found, [finding.message for finding in report.warnings]


def test_package_from_an_index_is_pinned(tmp_path: Path) -> None:
    add_wheel(tmp_path, "Jinja_Two", "3.1")

    assert find(tmp_path) == ({"jinja-two": "Jinja_Two==3.1"}, [])


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ({"url": "https://example.org/a-1.0.tar.gz"}, "a @ https://example.org/a-1.0.tar.gz"),
        (
            {
                "url": "https://github.com/acme/a.git",
                "subdirectory": "py",
                "vcs_info": {"vcs": "git", "commit_id": "0" * 40},
            },
            f"a @ git+https://github.com/acme/a.git@{'0' * 40}#subdirectory=py",
        ),
        ({"url": "https://x.org/a.git", "vcs_info": {}}, "a @ git+https://x.org/a.git"),
        ({"url": 5}, "a==1.0"),
        ([], "a==1.0"),
    ],
)
def test_package_from_an_address_keeps_it(tmp_path: Path, origin: Any, expected: str) -> None:
    add_wheel(tmp_path, "a", direct_url=json.dumps(origin))

    assert find(tmp_path) == ({"a": expected}, [])


def test_origin_that_is_not_json_says_nothing(tmp_path: Path) -> None:
    add_wheel(tmp_path, "a", direct_url="{")

    assert find(tmp_path) == ({"a": "a==1.0"}, [])


def test_package_from_this_machine_is_named_with_its_version(tmp_path: Path) -> None:
    add_wheel(tmp_path, "a", direct_url='{"url": "file:///home/me/a", "dir_info": {}}')

    assert find(tmp_path) == (
        {"a": "a==1.0"},
        ["`a` was installed from this machine; its version is named instead"],
    )


def test_credentials_in_an_address_are_left_out(tmp_path: Path) -> None:
    add_wheel(tmp_path, "a", direct_url='{"url": "https://user:pw@example.org/a.whl"}')

    assert find(tmp_path) == (
        {"a": "a @ https://example.org/a.whl"},
        ["the credentials in the address of `a` are left out"],
    )


def test_build_of_another_index_is_pointed_at(tmp_path: Path) -> None:
    add_wheel(tmp_path, "torch", "2.1.0+cu118")

    assert find(tmp_path) == (
        {"torch": "torch==2.1.0+cu118"},
        ["`torch==2.1.0+cu118` is a build that the usual index lacks"],
    )


def test_metadata_without_a_name_is_left_out_with_a_word(tmp_path: Path) -> None:
    add_wheel(tmp_path, "a", METADATA="Version: 1\n")

    assert find(tmp_path) == (
        {},
        ["`a-1.0.dist-info` says neither name nor version; it is left out"],
    )


@pytest.mark.parametrize(
    "name",
    [
        *("--extra-index-url=https://evil.example/simple#", "--find-links=/home", "-rsecret#"),
        *("-e", "a;os_name=='x'", "a@https://evil.example/a.whl#", "${TOKEN}", "a/../b", "\u0430"),
    ],
)
def test_a_name_that_is_none_becomes_no_line_for_pip(tmp_path: Path, name: str) -> None:
    add_wheel(tmp_path, "a", METADATA=f"Name: {name}\nVersion: 1\n")

    assert find(tmp_path) == (
        {},
        ["`a-1.0.dist-info` has a name or a version that no index knows; it is left out"],
    )


@pytest.mark.parametrize("version", ["1;os_name=='x'", "--pre", "*", "1,>0", "${TOKEN}", "1#"])
def test_a_version_that_is_none_becomes_no_line_for_pip(tmp_path: Path, version: str) -> None:
    add_wheel(tmp_path, "a", METADATA=f"Name: a\nVersion: {version}\n")

    assert find(tmp_path) == (
        {},
        ["`a-1.0.dist-info` has a name or a version that no index knows; it is left out"],
    )


GIT = {"vcs": "git", "commit_id": "0" * 40}


@pytest.mark.parametrize(
    "origin",
    [
        {"url": "https://x.org/a.zip --index-url=https://evil.example"},
        {"url": "https://x.org/a.zip\n--index-url=https://evil.example"},
        {"url": "https://x.org/a.zip;os_name=='x'"},
        {"url": "https://x.org/${TOKEN}/a.zip"},
        {"url": "https://x.org/a.zip#subdirectory=../b"},
        {"url": "-r/etc/passwd"},
        {"url": "/etc/passwd"},
        {"url": "ext::sh -c x", "vcs_info": GIT},
        {"url": "ssh://-oProxyCommand=x/a", "vcs_info": GIT},
        {"url": "https://x.org/a.git", "vcs_info": {"vcs": "git", "commit_id": "--upload-pack=x"}},
        {"url": "https://x.org/a.git", "vcs_info": {"vcs": "git", "commit_id": ["x"]}},
        {"url": "https://x.org/a.git", "vcs_info": {"vcs": "--pre", "commit_id": "0" * 40}},
        {"url": "https://x.org/a.git", "vcs_info": {"vcs": 5, "commit_id": "0" * 40}},
        {"url": "https://x.org/a.git", "vcs_info": GIT, "subdirectory": "../b"},
        {"url": "https://x.org/a.git", "vcs_info": GIT, "subdirectory": "/etc"},
        {"url": "https://x.org/a.zip", "subdirectory": "%2e%2e"},
    ],
)
def test_an_address_that_is_none_becomes_no_line_for_pip(tmp_path: Path, origin: Any) -> None:
    add_wheel(tmp_path, "a", direct_url=json.dumps(origin))

    assert find(tmp_path) == (
        {"a": "a==1.0"},
        ["the address of `a` is none that a definition can hold; its version is named instead"],
    )


def test_an_odd_folder_of_a_repository_is_spelled_as_an_address_has_it(tmp_path: Path) -> None:
    origin = {"url": "https://x.org/a.git", "vcs_info": GIT, "subdirectory": "a b/c&d"}
    add_wheel(tmp_path, "a", direct_url=json.dumps(origin))

    expected = f"a @ git+https://x.org/a.git@{'0' * 40}#subdirectory=a%20b/c%26d"
    assert find(tmp_path) == ({"a": expected}, [])


def test_eggs_are_packages_too(tmp_path: Path) -> None:
    folder = tmp_path / "Lib/site-packages"
    (folder / "old-1.egg-info").mkdir(parents=True)
    (folder / "old-1.egg-info/PKG-INFO").write_text(
        "Metadata-Version: 1\r\nName: old\r\nVersion: 1\r\n"
    )
    (folder / "flat-2.egg-info").write_text("Name: flat\nVersion: 2\n")

    assert find(tmp_path)[0] == {"flat": "flat==2", "old": "old==1"}


def test_other_name_of_the_same_folder_is_not_read_again(tmp_path: Path) -> None:
    add_wheel(tmp_path, "a", METADATA="broken")
    (tmp_path / "lib/python3.1").symlink_to("python3.11")

    assert len(find(tmp_path)[1]) == 1
    assert (tmp_path / "lib/python3.1/site-packages").is_dir()
    assert SITE.startswith("lib/python3.11")
