"""Git repositories: fetched by commit, and held against a hash of their content."""

from __future__ import annotations

import hashlib
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.servers.repositories import (
    commit,
    run_git,
    serve_folder,
    serve_redirects,
    serve_repositories,
    write_project,
)

from envsync.adapters.git import GitRepositories
from envsync.errors import EnvsyncError
from envsync.model.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

ABSENT = "0" * 39 + "1"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "served" / "thing"
    write_project(folder, "thing")
    return folder


@pytest.fixture
def repositories(tmp_path: Path) -> GitRepositories:
    return GitRepositories(tmp_path / "copies")


def pin_of(project: Path, revision: str) -> Repository:
    return Repository(url=project.as_uri(), revision=revision)


def test_a_hash_is_that_of_modes_bytes_and_paths(
    project: Path, repositories: GitRepositories
) -> None:
    (project / "run me").write_bytes(b"\xff\x00")
    (project / "run me").chmod(0o755)
    (project / "link").symlink_to("thing.py")
    pin = pin_of(project, commit(project))

    lines = b""
    for name, mode in (("link", 120000), ("pyproject.toml", 100644), ("run me", 100755)):
        path = project / name
        content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
        lines += f"{mode} {hashlib.sha256(content).hexdigest()}\t{name}\0".encode()
    module = hashlib.sha256((project / "thing.py").read_bytes()).hexdigest()
    lines += f"100644 {module}\tthing.py\0".encode()
    assert repositories.hash(pin, {}) == hashlib.sha256(lines).hexdigest()


def test_equal_content_has_an_equal_hash_whatever_the_commit(
    project: Path, repositories: GitRepositories
) -> None:
    first, second = commit(project), commit(project)

    assert first != second
    assert repositories.hash(pin_of(project, first), {}) == repositories.hash(
        pin_of(project, second), {}
    )


def test_a_commit_is_fetched_once_and_had_when_its_repository_is_gone(
    project: Path, repositories: GitRepositories
) -> None:
    pin = pin_of(project, commit(project))
    digest = repositories.hash(pin, {})
    project.rename(project.with_name("gone"))

    assert repositories.provide(pin, {}, sha256=digest).is_dir()


def test_a_copy_has_the_tags_that_versions_are_made_of(
    project: Path, repositories: GitRepositories
) -> None:
    commit(project, tag="v1.0")
    (project / "more.py").write_text("")
    pin = pin_of(project, commit(project))

    copy = repositories.provide(pin, {})

    assert run_git(copy, "describe", "--tags", pin.revision).startswith("v1.0-1-g")


def test_other_content_than_was_locked_is_refused_with_both_hashes(
    project: Path, repositories: GitRepositories
) -> None:
    pin = pin_of(project, commit(project))
    digest = repositories.hash(pin, {})

    with pytest.raises(EnvsyncError) as caught:
        repositories.provide(pin, {}, sha256="1" * 64)

    assert caught.value.message == (
        f"`{pin}` has the sha256 `{digest}`, and `{'1' * 64}` was locked"
    )


def test_a_copy_that_is_damaged_is_made_anew(project: Path, repositories: GitRepositories) -> None:
    pin = pin_of(project, commit(project))
    copy = repositories.provide(pin, {})
    digest = repositories.hash(pin, {})
    (copy / "HEAD").write_text("nonsense")

    assert repositories.hash(pin, {}) == digest


def test_what_a_killed_process_left_locked_is_no_obstacle(
    project: Path, repositories: GitRepositories
) -> None:
    copy = repositories.provide(pin_of(project, commit(project)), {})
    second = commit(project)
    for name in ("packed-refs.lock", f"refs/heads/locked-{second}.lock", "config.lock"):
        (copy / name).write_text("")

    assert repositories.provide(pin_of(project, second), {}) == copy


def test_many_may_ask_at_once(project: Path, repositories: GitRepositories) -> None:
    pins = [pin_of(project, commit(project)) for _ in range(3)]

    with ThreadPoolExecutor() as pool:
        digests = set(pool.map(lambda pin: repositories.hash(pin, {}), pins * 3))

    assert len(digests) == 1


def test_a_commit_that_is_not_there_is_named(project: Path, repositories: GitRepositories) -> None:
    commit(project)

    with pytest.raises(EnvsyncError) as caught:
        repositories.provide(pin_of(project, ABSENT), {})

    assert caught.value.message == f"`{project.as_uri()}` has no commit `{ABSENT}`"


def test_a_server_gives_a_commit_to_who_has_the_password(
    project: Path, repositories: GitRepositories
) -> None:
    revision = commit(project)
    with serve_repositories(project.parent, "hunter%2") as host:
        pin = Repository(url=f"http://{host}/thing/.git", revision=revision)

        assert repositories.hash(pin, {pin.url: "user:hunter%252"})
        with pytest.raises(EnvsyncError) as caught:
            GitRepositories(project.parent / "others").provide(pin, {pin.url: "user:hunter9"})

    assert caught.value.message.startswith(f"Cannot read `{pin.url}`: ")
    assert "hunter" not in caught.value.message


def test_a_server_that_a_redirect_leads_to_gets_no_password(
    project: Path, repositories: GitRepositories
) -> None:
    revision = commit(project)
    seen: list[str | None] = []
    with (
        serve_repositories(project.parent, seen=seen) as other,
        serve_redirects(other.replace("127.0.0.1", "localhost")) as host,
    ):
        pin = Repository(url=f"http://{host}/thing/.git", revision=revision)
        credentials = {pin.url: "user:hunter-2"}

        fault = repositories.find_fault(pin, credentials)
        with pytest.raises(EnvsyncError) as caught:
            repositories.provide(pin, credentials)

        assert seen == []
        assert repositories.hash(pin, {})  # who gives no password may be sent elsewhere
        assert seen
        assert set(seen) == {None}

    assert fault is not None
    assert fault.hint == caught.value.hint
    assert caught.value.message.startswith(f"Cannot read `{pin.url}`: ")
    assert caught.value.hint == (
        "check the address, and that you may read it with `git ls-remote`; "
        "with credentials, redirects are not followed, so give the final address"
    )


def test_a_server_of_plain_files_will_do(
    project: Path, repositories: GitRepositories, tmp_path: Path
) -> None:
    revision = commit(project)
    bare = tmp_path / "files" / "thing.git"
    run_git(tmp_path, "clone", "--quiet", "--bare", str(project), str(bare))
    run_git(bare, "update-server-info")

    with serve_folder(bare.parent) as host:
        pin = Repository(url=f"http://{host}/thing.git", revision=revision)

        assert repositories.hash(pin, {}) == repositories.hash(pin_of(project, revision), {})


def test_offline_only_what_is_there_counts(project: Path, tmp_path: Path) -> None:
    pin = Repository(url="https://git.example.org/thing.git", revision=commit(project))

    repositories = GitRepositories(tmp_path / "copies", offline=True)
    with pytest.raises(EnvsyncError, match="is not in the cache"):
        repositories.provide(pin, {})
    for wanted in (pin, replace(pin, revision="main")):
        fault = repositories.find_fault(wanted, {})
        assert fault is not None
        assert fault.message == f"`{wanted}` is not in the cache"


@pytest.mark.parametrize("revision", ["", "main", "v1", "feature/x"])
def test_nothing_is_wrong_with_a_revision_that_is_there(
    project: Path, repositories: GitRepositories, revision: str
) -> None:
    commit(project, tag="v1")
    run_git(project, "branch", "feature/x")

    assert repositories.find_fault(pin_of(project, revision), {}) is None


def test_a_branch_that_is_not_there_is_named(project: Path, repositories: GitRepositories) -> None:
    commit(project)

    fault = repositories.find_fault(pin_of(project, "no-such"), {})

    assert fault is not None
    assert fault.message == f"`{project.as_uri()}` has no branch or tag `no-such`"


def test_a_host_that_does_not_answer_is_named(repositories: GitRepositories) -> None:
    wanted = Repository(url="http://127.0.0.1:1/thing.git", revision="main")

    fault = repositories.find_fault(wanted, {})

    assert fault is not None
    assert fault.message.startswith("Cannot read `http://127.0.0.1:1/thing.git`: ")


def test_git_that_is_not_installed_is_said(
    project: Path, repositories: GitRepositories, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = pin_of(project, commit(project))
    monkeypatch.setenv("PATH", "/nonexistent")

    fault = repositories.find_fault(replace(pin, revision="main"), {})
    with pytest.raises(EnvsyncError) as caught:
        repositories.provide(pin, {})

    assert fault is not None
    assert "needs git, which is not installed" in fault.message
    assert "is not installed" in caught.value.message
    assert caught.value.hint == "install git"


def test_a_file_is_read_from_where_the_package_lies(
    project: Path, repositories: GitRepositories
) -> None:
    write_project(project / "sub", "other")
    pin = replace(pin_of(project, commit(project)), subdirectory="sub")

    text = repositories.read(pin, "pyproject.toml")

    assert text == (project / "sub" / "pyproject.toml").read_text()
    assert repositories.read(pin, "nothing.toml") is None


@pytest.mark.slow
def test_a_large_file_is_never_in_memory_as_a_whole(
    project: Path, repositories: GitRepositories
) -> None:
    for name in ("large", "pyproject.toml"):
        with (project / name).open("wb") as stream:
            stream.truncate(64 * 2**20)
    pin = pin_of(project, commit(project))

    tracemalloc.start()
    try:
        found = repositories.hash(pin, {})
        text = repositories.read(pin, "pyproject.toml")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 16 * 2**20
    assert text is None
    (project / "large").write_bytes(bytes(64 * 2**20 - 1))
    assert repositories.hash(pin_of(project, commit(project)), {}) != found


def test_an_address_that_is_a_command_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text('[protocol "ext"]\n\tallow = always\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / ".gitconfig"))
    mark = tmp_path / "mark"
    wanted = Repository(url=f"ext::sh -c touch% {mark}", revision="main")

    fault = GitRepositories(tmp_path / "git").find_fault(wanted, {})

    assert fault is not None
    assert not mark.exists()
