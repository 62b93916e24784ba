from __future__ import annotations

import subprocess
from base64 import b64encode

import pytest

from envsync.model.repository import (
    Repository,
    find_userinfo,
    list_git_settings,
    parse_repository,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("address", "repository"),
    [
        ("git+https://h/o/r.git", Repository(url="https://h/o/r.git")),
        ("git+https://h/o/r@v1", Repository(url="https://h/o/r", revision="v1")),
        ("git+file:///o/r@a/b", Repository(url="file:///o/r", revision="a/b")),
        (
            "git+ssh://git@h:22/o/r.git@main#egg=x&subdirectory=a%20b/",
            Repository(url="ssh://git@h:22/o/r.git", revision="main", subdirectory="a b"),
        ),
        ("git+ssh://git:secret@h/r", Repository(url="ssh://git@h/r")),
        ("git+https://user:secret@h/r@v1", Repository(url="https://h/r", revision="v1")),
        ("git+https://h/r@", None),
        ("git+https://h/r@v1#subdirectory=../r", None),
        ("git+https://h/r;token=secret@v1", None),
        ("git+https://h/r%3Fsig%3Dsecret", None),
        ("git+https://h/r@v1#subdirectory=%2Fetc", None),
        ("git+https://h/r?token=secret@v1", None),
        ("git+ext::sh -c x", None),
        ("git+git@h:o/r.git", None),
        ("hg+https://h/r", None),
        ("https://h/r.git", None),
    ],
)
def test_an_address_is_taken_apart(address: str, repository: Repository | None) -> None:
    assert parse_repository(address) == repository


@pytest.mark.parametrize(
    "address",
    [
        f"git+https://h/o/r.git@{COMMIT}",
        f"git+ssh://git@h/o/r.git@{COMMIT}#subdirectory=a%20b/c",
        "git+file:///o/r",
    ],
)
def test_an_address_without_secrets_comes_back_as_it_was(address: str) -> None:
    assert str(parse_repository(address)) == address


@pytest.mark.parametrize(
    ("revision", "expected"), [(COMMIT, True), ("0123456", False), ("", False)]
)
def test_only_a_whole_commit_is_a_pin(revision: str, *, expected: bool) -> None:
    assert Repository(url="https://h/r", revision=revision).is_pinned is expected


@pytest.mark.parametrize(
    ("address", "userinfo"),
    [
        ("git+https://user:pass@h/r", "user:pass"),
        ("git+https://token@h/r@v1", "token"),
        ("git+https://h/r", ""),
        ("git+ssh://git@h/r", ""),
        ("https://user:pass@h/r", ""),
    ],
)
def test_credentials_are_those_of_http(address: str, userinfo: str) -> None:
    assert find_userinfo(address) == userinfo


def test_git_takes_credentials_beside_settings_that_are_there() -> None:
    there = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "kept"}
    token = "t" * 20
    given = {"https://h/r": "us%40er:pa:ss", "https://i/r": "org", "https://j/r": token}
    made = list_git_settings(given, there)

    done = subprocess.run(
        ["git", "config", "--list"],  # noqa: S607  # whichever there is
        env={"PATH": "/usr/bin:/bin", **there, **made},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "a.b=kept\n" in done.stdout
    assert "http.https://h/r.extraheader=Authorization: Basic dXNAZXI6cGE6c3M=\n" in done.stdout
    assert "credential.https://i/r.username=org\n" in done.stdout
    basic = b64encode(f"{token}:".encode()).decode()
    assert f"http.https://j/r.extraheader=Authorization: Basic {basic}\n" in done.stdout
    assert "http.https://h/r.followredirects=false\n" in done.stdout
    assert list_git_settings({}, there) == {}
