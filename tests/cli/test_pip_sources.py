"""pip requirements from git, from addresses and from beside the definition, locked and made."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from packaging.pylock import Pylock
from support.fakes import pip_package
from support.images.base_archive import write_base
from support.images.images import list_members
from support.servers.repositories import (
    GIT,
    commit,
    run_git,
    serve_folder,
    serve_redirects,
    serve_repositories,
    write_project,
)
from support.wheels import make_wheel
from uv import find_uv_bin

from envsync.adapters.git import GitRepositories
from envsync.adapters.uv import UvUnpacker
from envsync.errors import EnvsyncError
from envsync.lock.reader import load_lockfile
from envsync.model.repository import Repository

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Done

    from envsync.model.lockfile import LockedPackage

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("channel")]

PASSWORD = "hunter-git"  # noqa: S105  # planted


@pytest.fixture
def thing(tmp_path: Path) -> Path:
    """Return a repository with a package `thing`, which needs `six`, and a tag."""
    folder = tmp_path / "served" / "thing"
    write_project(folder, "thing", needs='["six>=1.10"]')
    commit(folder, tag="v1")
    return folder


@pytest.fixture
def host(thing: Path) -> Iterator[str]:
    with serve_repositories(thing.parent, PASSWORD) as address:
        yield address


def find(directory: Path, name: str) -> LockedPackage:
    packages = load_lockfile(directory / "conda-lock.yml").packages
    return next(package for package in packages if package.name == name)


def look(prefix: Path, code: str) -> str:
    done = subprocess.run([prefix / "bin" / "python", "-c", code], capture_output=True, check=True)
    return done.stdout.decode().strip()


def test_a_repository_is_pinned_to_its_commit_and_content(
    envsync: Callable[..., Done], define: Callable[..., Path], thing: Path, tmp_path: Path
) -> None:
    directory = define("python", "six", pip=(f"thing @ git+{thing.as_uri()}@v1",))

    done = envsync("lock", "d")

    assert done.status == 0, done.stderr
    assert (
        "Warning: `d/conda-lock.yml`: thing 1.0 is source code, which is run to build it "
        "wherever it is installed (with `setuptools>=60`)\n"
    ) in done.stderr
    locked = find(directory, "thing")
    revision = run_git(thing, "rev-parse", "v1")
    assert locked.url == f"git+{thing.as_uri()}@{revision}"
    assert locked.sha256 is not None
    assert locked.dependencies == (("six", ">=1.10"),)
    assert 'envsync.build-requires: \'{"thing": ["setuptools>=60"]}\'' in (
        (directory / "conda-lock.yml").read_text()
    )

    assert envsync("check", "d").status == 0
    assert envsync("build-local", "d", "-p", "p").status == 0
    assert look(tmp_path / "p", "import thing; print(thing.VERSION)") == "1.0"
    origin = next((tmp_path / "p").glob("lib/python3*/site-packages/thing-*/direct_url.json"))
    assert json.loads(origin.read_text()) == {
        "url": thing.as_uri(),
        "vcs_info": {"vcs": "git", "commit_id": revision, "requested_revision": revision},
    }
    record = (origin.parent / "RECORD").read_text()
    assert f"{origin.parent.name}/direct_url.json,sha256=" in record
    assert envsync("diff", "d", "p").stdout == "Nothing differs\n"


def test_a_branch_stays_where_it_was_locked_until_it_is_to_move(
    envsync: Callable[..., Done], define: Callable[..., Path], thing: Path
) -> None:
    asked = f"git+{thing.as_uri()}@main"
    directory = define("python", "six", pip=(asked,))
    assert envsync("lock", "d").status == 0
    first = find(directory, "thing").url
    write_project(thing, "thing", "2.0")
    second = commit(thing)

    define("python", "six", pip=(asked, "idna==3.10"))
    assert envsync("lock", "d").status == 0
    assert find(directory, "thing").url == first

    moved = envsync("lock", "d", "--update", "thing")
    assert find(directory, "thing").url == f"git+{thing.as_uri()}@{second}"
    assert "up thing 1.0 → 2.0" in moved.stderr + moved.stdout

    assert "thing 2.0 (pip)\n" in envsync("tree", "d").stdout
    third = commit(thing)
    moved = envsync("lock", "d", "--update", "thing")
    change = f"moved thing 2.0: {thing.as_uri()}@{second[:12]} → {thing.as_uri()}@{third[:12]}"
    assert change in moved.stderr + moved.stdout


def test_a_tag_that_is_asked_for_instead_is_taken(
    envsync: Callable[..., Done], define: Callable[..., Path], thing: Path
) -> None:
    directory = define("python", "six", pip=(f"thing @ git+{thing.as_uri()}@v1",))
    assert envsync("lock", "d").status == 0
    write_project(thing, "thing", "2.0")
    second = commit(thing, tag="v2")

    define("python", "six", pip=(f"thing @ git+{thing.as_uri()}@v2",))
    assert envsync("lock", "d").status == 0

    assert find(directory, "thing").url.endswith(f"@{second}")


def test_a_package_below_the_root_of_its_repository_is_found_again(
    envsync: Callable[..., Done], define: Callable[..., Path], thing: Path, tmp_path: Path
) -> None:
    write_project(thing / "deep", "other")
    commit(thing)
    asked = f"other[more] @ git+{thing.as_uri()}#subdirectory=deep"
    directory = define("python", pip=(asked,))

    assert envsync("lock", "d").status == 0
    locked = find(directory, "other")
    assert locked.url.endswith("#subdirectory=deep")
    assert locked.dependencies == (("six", "*"),)
    assert envsync("build-local", "d", "-p", "p").status == 0
    assert look(tmp_path / "p", "import other, six; print(other.VERSION)") == "1.0"


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file to which every call of git adds its arguments."""
    spy = tmp_path / "bin" / "git"
    spy.parent.mkdir()
    spy.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/arguments\nexec {GIT} "$@"\n')
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", str(spy.parent), prepend=":")
    return tmp_path / "arguments"


@pytest.mark.parametrize("place", ["the definition", "a file", "constraints"])
def test_credentials_of_a_repository_are_used_and_not_kept(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    host: str,
    arguments: Path,
    private_home: Path,
    place: str,
) -> None:
    tmp_path = arguments.parent
    asked = f"thing @ git+http://user:{PASSWORD}@{host}/thing/.git@v1"
    if place == "a file":
        (tmp_path / "d").mkdir()
        (tmp_path / "d" / "more.txt").write_text(f"# private\n{asked} # ours\n")
        (tmp_path / "d" / "requirements.txt").write_text("-r more.txt\nidna==3.10\n")
        asked = "-r requirements.txt"
    if place == "constraints":
        (tmp_path / "d").mkdir()
        (tmp_path / "d" / "more.txt").write_text(f"# private\n{asked} # ours\n")
        asked = "-c more.txt"
    pip = (asked, "thing") if place == "constraints" else (asked,)
    directory = define("python", "six", pip=pip)

    said = [
        envsync("lock", "d"),
        envsync("build-local", "d", "-p", "p"),
        envsync("export", "--format", "pylock", "d"),
        envsync("tree", "d"),
    ]

    assert [done.status for done in said] == [0] * len(said), said
    assert PASSWORD not in str(said)
    assert f"http://{host}/thing/.git" in arguments.read_text()
    assert find(directory, "thing").url.startswith(f"git+http://{host}/thing/.git@")
    sources = {directory / "conda_dependencies.yml", directory / "more.txt"}
    leaks = [
        path
        for root in (private_home, tmp_path)
        for path in root.rglob("*")
        if path.is_file() and path not in sources and PASSWORD.encode() in path.read_bytes()
    ]
    assert leaks == []


def test_credentials_of_an_editable_repository_are_nowhere_either(
    envsync: Callable[..., Done], define: Callable[..., Path], host: str, arguments: Path
) -> None:
    asked = f"-e git+http://user:{PASSWORD}@{host}/thing/.git@v1#egg=thing"
    directory = define("python", "six", pip=(asked,))

    done = envsync("lock", "d", "--allow-unreproducible")

    assert done.status == 0, done.stderr
    assert "is editable, so its code may change after the lock\n" in done.stderr
    assert find(directory, "thing").url.startswith(f"git+http://{host}/thing/.git@")
    assert PASSWORD not in str(done) + (directory / "conda-lock.yml").read_text()
    assert f"http://{host}/thing/.git" in arguments.read_text()
    assert PASSWORD not in arguments.read_text()


def test_a_token_may_come_from_the_environment(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    host: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    define("python", "six", pip=(f"thing @ git+http://user:${{GIT_TOKEN}}@{host}/thing/.git@v1",))

    refused = envsync("lock", "d")
    monkeypatch.setenv("GIT_TOKEN", PASSWORD)
    done = envsync("lock", "d")

    assert refused.status == 1
    assert "requirements: `${GIT_TOKEN}` under `pip:` has no value\n" in refused.stderr
    assert done.status == 0, done.stderr


def test_a_password_goes_to_no_server_that_a_redirect_leads_to(
    envsync: Callable[..., Done], define: Callable[..., Path], thing: Path
) -> None:
    seen: list[str | None] = []
    with (
        serve_repositories(thing.parent, seen=seen) as other,
        serve_redirects(other.replace("127.0.0.1", "localhost")) as door,
    ):
        define("python", "six", pip=(f"thing @ git+http://user:{PASSWORD}@{door}/thing/.git@v1",))
        done = envsync("lock", "d")

    assert done.status == 1
    assert seen == []
    assert f"Error: Cannot read `http://{door}/thing/.git`: " in done.stderr
    assert "with credentials, redirects are not followed" in done.stderr
    assert PASSWORD not in done.stderr


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("file://{thing}@v9", "`file://{thing}` has no branch or tag `v9`"),
        ("file://{thing}-gone@v1", "Cannot read `file://{thing}-gone`: "),
        ("http://127.0.0.1:1/x.git@v1", "Cannot read `http://127.0.0.1:1/x.git`: "),
    ],
)
def test_a_repository_that_cannot_be_had_is_named(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    thing: Path,
    address: str,
    error: str,
) -> None:
    define("python", pip=(f"thing @ git+{address.format(thing=thing)}",))

    done = envsync("lock", "d")

    assert done.status == 1
    assert f"Error: {error.format(thing=thing)}" in done.stderr
    assert "Hint: " in done.stderr


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """Return a project on this machine that no definition names."""
    folder = tmp_path / "private"
    write_project(folder, "private")
    return folder


def test_a_repository_sends_uv_to_no_folder_of_this_machine(
    envsync: Callable[..., Done], define: Callable[..., Path], tmp_path: Path, private: Path
) -> None:
    thing = tmp_path / "other"
    write_project(thing, "thing", needs='["private"]')
    with (thing / "pyproject.toml").open("a") as stream:
        stream.write(f'[tool.uv.sources]\nprivate = {{path = "{private}"}}\n')
    commit(thing)
    directory = define("python", pip=("--no-index", f"thing @ git+{thing.as_uri()}"))

    done = envsync("lock", "d")

    assert done.status == 1
    assert "private" in done.stderr  # which pip would ask an index for
    assert "another package says" not in done.stderr
    assert not (directory / "conda-lock.yml").exists()
    assert {path.name for path in private.iterdir()} == {"private.py", "pyproject.toml"}


@pytest.mark.parametrize("scheme", ["", "git+"])
def test_what_lies_on_this_machine_is_locked_if_the_definition_names_it_itself(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    tmp_path: Path,
    private: Path,
    scheme: str,
) -> None:
    commit(private)
    wheel = make_wheel(define("python"), "private", "1.0")
    place = f"{scheme}{(private if scheme else wheel).as_uri()}"
    thing = tmp_path / "other"
    write_project(thing, "thing", needs=f'["private @ {place}"]')
    commit(thing)
    directory = define("python", pip=(f"thing @ git+{thing.as_uri()}",))

    done = envsync("lock", "d")

    assert done.status == 1
    assert "`private` can't be locked: another package says that it lies on this" in done.stderr
    assert not (directory / "conda-lock.yml").exists()

    own = place if scheme else f"./{wheel.name}"
    define("python", pip=(f"thing @ git+{thing.as_uri()}", f"private @ {own}" if scheme else own))
    done = envsync("lock", "d")
    assert done.status == 0, done.stderr


def test_what_a_repository_needs_leads_out_of_no_repository(
    envsync: Callable[..., Done], define: Callable[..., Path], thing: Path, private: Path
) -> None:
    with serve_repositories(thing.parent) as host:
        way_out = f"{'../' * 30}{private.relative_to('/')}"
        place = f"git+http://{host}/thing/.git@v1#subdirectory={way_out}"
        write_project(thing, "thing", needs=f'["private @ {place}"]')
        commit(thing, tag="v2")
        directory = define("python", pip=("--no-index", f"thing @ git+{thing.as_uri()}@v2"))

        done = envsync("lock", "d")

    assert done.status == 1
    assert f"its folder `{way_out[:60]}" in done.stderr
    assert not (directory / "conda-lock.yml").exists()


def test_a_lock_leads_out_of_no_repository(
    envsync: Callable[..., Done], define: Callable[..., Path], thing: Path, private: Path
) -> None:
    directory = define("python", "six", pip=(f"thing @ git+{thing.as_uri()}@v1",))
    assert envsync("lock", "d").status == 0
    path = directory / "conda-lock.yml"
    url = find(directory, "thing").url
    text = path.read_text().replace(url, f"{url}#subdirectory=../../{private.name}")
    path.write_text(text)
    line = text[: text.index("#subdirectory")].count("\n") + 1

    for command in (("check", "d"), ("build-local", "d", "--frozen", "-p", "p"), ("tree", "d")):
        done = envsync(*command)

        assert done.status in (1, 2)
        assert f"Error: `d/conda-lock.yml`:{line}: " in done.stderr
        assert "`subdirectory` that leads out of what lies there" in done.stderr
    assert {path.name for path in private.iterdir()} == {"private.py", "pyproject.toml"}


def test_a_repository_with_other_content_than_was_locked_is_refused(
    envsync: Callable[..., Done], define: Callable[..., Path], thing: Path
) -> None:
    directory = define("python", "six", pip=(f"thing @ git+{thing.as_uri()}@v1",))
    assert envsync("lock", "d").status == 0
    locked = find(directory, "thing").sha256
    path = directory / "conda-lock.yml"
    path.write_text(path.read_text().replace(str(locked), "1" * 64))

    done = envsync("build-local", "d", "-p", "p")

    assert done.status == 1
    assert f"has the sha256 `{locked}`, and `{'1' * 64}` was locked" in done.stderr


def test_a_wheel_beside_the_definition_goes_where_the_definition_goes(
    envsync: Callable[..., Done], define: Callable[..., Path], tmp_path: Path
) -> None:
    directory = define("python", pip=("./my wheels/mine-1.0-py3-none-any.whl", "idna==3.10"))
    (directory / "my wheels").mkdir()
    wheel = make_wheel(directory / "my wheels", "mine", "1.0", requires="idna")

    done = envsync("lock", "d")
    assert done.status == 0, done.stderr
    locked = find(directory, "mine")
    assert locked.url == "file:my%20wheels/mine-1.0-py3-none-any.whl"
    assert locked.sha256 == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert locked.dependencies == (("idna", "*"),)

    moved = directory.rename(tmp_path / "elsewhere")
    assert envsync("build-local", "elsewhere", "-p", "p").status == 0
    assert look(tmp_path / "p", "import mine; print(mine.VERSION)") == "1.0"

    make_wheel(moved / "my wheels", "mine", "1.0", requires="idna>=2")
    stale = envsync("check", "elsewhere")
    forced = envsync("build-local", "elsewhere", "-p", "q", "--frozen")
    assert stale.stderr == (
        "Error: `elsewhere/conda-lock.yml` is stale: "
        "`my wheels/mine-1.0-py3-none-any.whl` is not the file that was locked\n"
        "Hint: run `envsync lock elsewhere`\n"
    )
    assert forced.status == 1
    assert str(locked.sha256) in forced.stderr

    relocked = envsync("lock", "elsewhere")
    assert relocked.status == 0
    assert "rehashed mine 1.0: same address, other bytes" in relocked.stdout + relocked.stderr
    assert envsync("build-local", "elsewhere", "-p", "q").status == 0


def test_a_wheel_that_is_not_there_or_for_another_python_is_named(
    envsync: Callable[..., Done], define: Callable[..., Path]
) -> None:
    directory = define("python", pip=("./mine-1.0-py3-none-any.whl",))
    assert envsync("lock", "d").stderr.endswith(
        "Error: `./mine-1.0-py3-none-any.whl` is asked for under `pip:` and is not there\n"
        "Hint: put it into `d`, or correct its path\n"
    )

    make_wheel(directory, "mine", "1.0").rename(directory / "mine-1.0-cp38-cp38-win32.whl")
    define("python", pip=("./mine-1.0-cp38-cp38-win32.whl",))
    done = envsync("lock", "d")
    assert done.status == 1
    assert "mine" in done.stderr


def test_an_archive_at_an_address_is_pinned_by_its_hash(
    envsync: Callable[..., Done], define: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    wheel = make_wheel(folder, "mine", "1.0", requires="idna>=2")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    with serve_folder(folder) as host:
        directory = define(
            "python", pip=(f"mine @ http://user:{PASSWORD}@{host}/{wheel.name}", "idna==3.10")
        )
        done = envsync("lock", "d")
        assert done.status == 0, done.stderr
        locked = find(directory, "mine")
        assert (locked.url, locked.sha256) == (f"http://{host}/{wheel.name}", digest)
        assert locked.dependencies == (("idna", ">=2"),)
        assert envsync("build-local", "d", "-p", "p").status == 0

        make_wheel(folder, "mine", "1.0", requires="six")
        changed = envsync("build-local", "d", "-p", "q", "--reinstall")

    now = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert changed.status == 1
    assert digest in changed.stderr
    assert now in changed.stderr
    assert PASSWORD not in str((done, changed)) + (directory / "conda-lock.yml").read_text()


def test_a_pylock_has_repositories_local_wheels_and_every_file_of_the_index(
    envsync: Callable[..., Done], define: Callable[..., Path], thing: Path, tmp_path: Path
) -> None:
    asked = (f"thing @ git+{thing.as_uri()}@v1", "./mine-1.0-py3-none-any.whl", "idna==3.10")
    make_wheel(define("python", "six", pip=asked), "mine", "1.0")
    assert envsync("lock", "d").status == 0
    (tmp_path / "out").mkdir()

    assert envsync("export", "--format", "pylock", "d", "-o", "out/pylock.toml").status == 0

    text = (tmp_path / "out" / "pylock.toml").read_text()
    lock = Pylock.from_dict(tomllib.loads(text))
    lock.validate()
    by_name = {package.name: package for package in lock.packages}
    assert by_name["thing"].vcs is not None
    assert by_name["thing"].vcs.commit_id == run_git(thing, "rev-parse", "v1")
    assert by_name["mine"].wheels is not None
    assert by_name["mine"].wheels[0].path == "../d/mine-1.0-py3-none-any.whl"
    assert by_name["idna"].sdist is not None
    assert by_name["idna"].wheels is not None


def test_a_pylock_without_an_index_has_the_locked_files_and_says_so(
    envsync: Callable[..., Done], define: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    define("python", pip=("idna==3.10",))
    assert envsync("lock", "d").status == 0
    monkeypatch.setenv("UV_CACHE_DIR", str(define("python", pip=("idna==3.10",)) / "empty"))

    done = envsync("export", "--format", "pylock", "--offline", "d")

    assert done.status == 0
    assert "Warning: `d/conda-lock.yml`: has one file of each package" in done.stderr
    (package,) = Pylock.from_dict(tomllib.loads(done.stdout)).packages
    assert package.sdist is None


BUILT_BY = """\
import pathlib, sys, setuptools

class Native(setuptools.Distribution):
    def has_ext_modules(self):
        return True

pathlib.Path("native.py").write_text(f"PYTHON = {sys.base_prefix!r}")
setuptools.setup(name="native", version="1.0", py_modules=["native"], distclass=Native)
"""


def test_source_code_in_an_image_is_built_by_the_images_own_python(
    envsync: Callable[..., Done], define: Callable[..., Path], tmp_path: Path
) -> None:
    source = tmp_path / "native"
    source.mkdir()
    (source / "setup.py").write_text(BUILT_BY)
    commit(source)
    write_base(tmp_path / "base.tar")
    define("python", pip=(f"native @ git+{source.as_uri()}",))
    assert envsync("lock", "d").status == 0

    done = envsync("build-local", "d", "--base", "base.tar", "--output", "image.tar")

    assert done.status == 0, done.stderr
    members = list_members(tmp_path / "image.tar")
    (module,) = (content for path, content in members.items() if path.endswith("/native.py"))
    assert module is not None
    assert b"builder'" in module
    assert not any(path.endswith("direct_url.json") for path in members)


def test_source_code_for_another_machine_is_refused_where_it_must_be_built_there(
    tmp_path: Path,
) -> None:
    source = tmp_path / "native"
    source.mkdir()
    (source / "setup.py").write_text(BUILT_BY)
    repositories = GitRepositories(tmp_path / "git")
    pin = Repository(url=source.as_uri(), revision=commit(source))
    package = pip_package("native", url=f"{pin}", subdir="linux-aarch64")
    package = replace(package, sha256=repositories.hash(pin, {}))

    with pytest.raises(EnvsyncError) as caught:
        UvUnpacker(repositories).unpack(
            [package], target=tmp_path / "made", python_version="3.11.7"
        )

    assert "native" in caught.value.message
    assert "is not compatible with the target Python" in caught.value.message
    assert caught.value.hint == "build a wheel of it on a machine of that kind, and lock the wheel"


def test_an_archive_of_source_code_beside_the_definition_is_built_where_it_goes(
    envsync: Callable[..., Done], define: Callable[..., Path], tmp_path: Path
) -> None:
    write_project(tmp_path / "other", "other", needs='["idna>=2"]')
    directory = define("python", "six", pip=("./other-1.0.tar.gz[more]", "idna==3.10"))
    subprocess.run(
        [find_uv_bin(), "build", "-q", "--sdist", tmp_path / "other", "-o", directory], check=True
    )

    done = envsync("lock", "d")

    assert done.status == 0, done.stderr
    assert "other 1.0 is source code" in done.stderr
    assert "(with `setuptools>=60`)" in done.stderr
    locked = find(directory, "other")
    assert locked.url == "file:other-1.0.tar.gz"
    assert locked.dependencies == (("idna", ">=2"), ("six", "*"))
    assert envsync("build-local", "d", "-p", "p").status == 0
    assert look(tmp_path / "p", "import other; print(other.VERSION)") == "1.0"


def test_paths_start_at_the_conda_file_wherever_that_lies(
    envsync: Callable[..., Done], tmp_path: Path
) -> None:
    inner = tmp_path / "d" / "env"
    inner.mkdir(parents=True)
    (tmp_path / "d" / "azureml.yml").write_text(
        "name: d\nimage: scratch\nconda_file: env/conda.yml\n", encoding="utf-8"
    )
    lines = ("-r more.txt", "./mine-1.0-py3-none-any.whl", "-f wheels")
    dependencies = ["python", {"pip": lines}]
    (inner / "conda.yml").write_text(
        json.dumps({"channels": ["conda-forge"], "dependencies": dependencies}), encoding="utf-8"
    )
    (inner / "more.txt").write_text("found==1.0\n")
    (inner / "wheels").mkdir()
    make_wheel(inner, "mine", "1.0")
    make_wheel(inner / "wheels", "found", "1.0")

    assert envsync("lock", "d/azureml.yml").status == 0

    assert find(tmp_path / "d", "mine").url == "file:env/mine-1.0-py3-none-any.whl"
    assert find(tmp_path / "d", "found").url == "file:env/wheels/found-1.0-py3-none-any.whl"
    assert envsync("check", "d/azureml.yml").status == 0
    assert envsync("build-local", "d/azureml.yml").status == 0
    (inner / "more.txt").write_text("found>=1\n")
    assert "`conda.yml`, under `pip:`" in envsync("check", "d/azureml.yml").stderr
