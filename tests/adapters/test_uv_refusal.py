"""Servers that refuse, and names that no index has: who is named, and what there is to do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.fakes import RecordingReporter
from support.servers.faulty import serve_faulty
from support.wheels import make_wheel

from envsync.adapters.git import GitRepositories
from envsync.adapters.uv import UvSolver
from envsync.definition.requirement.pip_requirement import parse_requirement
from envsync.errors import EnvsyncError, UnsatisfiableError
from envsync.solve.request import PipRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.servers.faulty import Faulty

CREDENTIALS = "put user and token into its address (`https://${USER}:${TOKEN}@…`) or into `.netrc`"


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Make an index that has `base`, below `good`."""
    folder = tmp_path / "index" / "good" / "base"
    folder.mkdir(parents=True)
    wheel = make_wheel(folder, "base", "1.0")
    (folder / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    return tmp_path / "index"


@pytest.fixture
def server(index: Path) -> Iterator[Faulty]:
    """Serve the index; what lies below a status is answered with it, `s3` has 403 for unknown."""

    def choose(path: str, _: int) -> str:
        top, _, rest = path.lstrip("/").partition("/")
        if top == "s3":
            return "403" if rest else ""
        return top if top.isdigit() else ""

    (index / "s3").mkdir()
    with serve_faulty(index, choose) as faulty:
        yield faulty


@pytest.fixture
def solve(tmp_path: Path) -> Callable[..., list[str]]:
    """Lock some lines for pip; return what was noted."""

    def run(*lines: str) -> list[str]:
        reporter = RecordingReporter()
        requirements = tuple(line for line in lines if not line.startswith("-"))
        request = PipRequest(
            subdir="linux-64",
            python_version="3.11.9",
            glibc="2.28",
            requirements=requirements,
            options=tuple(line for line in lines if line.startswith("-")),
            provided=(),
            directory=tmp_path,
            parsed=tuple(map(parse_requirement, requirements)),
        )
        UvSolver(GitRepositories(tmp_path / "git")).solve(replace(request, reporter=reporter))
        return reporter.notes

    return run


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_an_index_that_refuses_is_named_without_its_password(
    solve: Callable[..., list[str]], server: Faulty, status: str
) -> None:
    url = f"{server.url}/{status[:3]}/simple"

    with pytest.raises(EnvsyncError) as caught:
        solve(f"--index-url {url.replace('//', '//user:hunter2@')}", "base")

    first, *more = caught.value.message.splitlines()
    assert first == (
        f"Cannot lock the pip requirements: index `{url}` refuses to answer (`{status}`)"
    )
    assert "hunter2" not in "".join(more)
    assert caught.value.hint == CREDENTIALS


def test_one_of_several_indexes_that_refuses_is_told_where_the_others_will_do(
    solve: Callable[..., list[str]], server: Faulty
) -> None:
    urls = (f"-i {server.url}/good", f"--extra-index-url {server.url}/401/simple")

    refusal = f"`{server.url}/401/simple` refuses to answer (`401 Unauthorized`)"
    assert solve(*urls, "base") == [f"Index {refusal}: nothing is locked from it"]


@pytest.mark.slow
def test_an_index_that_answers_403_for_what_it_does_not_have_is_not_to_blame(
    solve: Callable[..., list[str]], server: Faulty
) -> None:
    urls = (f"-i {server.url}/good", f"--extra-index-url {server.url}/s3")

    with pytest.raises(UnsatisfiableError) as caught:
        solve(*urls, "bsae")

    assert caught.value.hint == (
        "correct or drop `bsae`, or name the index that has it: none that is asked does"
    )
    assert solve(*urls, "base") == []


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("-f {url}/403/page", CREDENTIALS),
        ("-f {url}/404/page", "check its address"),
        ("thing @ {url}/403/thing-1.0-py3-none-any.whl", CREDENTIALS),
    ],
)
def test_pages_and_addresses_that_can_not_be_had_come_with_a_hint(
    solve: Callable[..., list[str]], server: Faulty, line: str, hint: str
) -> None:
    with pytest.raises(EnvsyncError) as caught:
        solve(line.format(url=server.url), f"-i {server.url}/good", "base")

    assert caught.value.hint == hint


@pytest.mark.parametrize("name", ["", "base @ "])
def test_a_wrong_hash_behind_an_address_is_noticed_when_locking(
    solve: Callable[..., list[str]], server: Faulty, name: str
) -> None:
    url = f"{server.url}/good/base/base-1.0-py3-none-any.whl"

    with pytest.raises(EnvsyncError, match="states another sha256 than it has"):
        solve(f"{name}{url}#sha256={'0' * 64}")

    (told,) = solve(f"{name}{url}#md5={'0' * 32}")
    assert told.endswith("states a md5, which is not looked at: state its sha256")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("python==3.8", "ask for `python` among the conda dependencies, outside `pip:`"),
        (
            "base==1.0+cu117",
            "name the index that has `+cu117` versions, with `--extra-index-url`, or drop it",
        ),
        ("base==7", "relax or drop one of the requirements named above"),
    ],
)
def test_what_has_no_solution_comes_with_what_is_usual_then(
    solve: Callable[..., list[str]], server: Faulty, line: str, hint: str
) -> None:
    with pytest.raises(UnsatisfiableError) as caught:
        solve(f"-i {server.url}/good", line)

    assert caught.value.hint == hint


def test_a_variable_without_a_value_is_named(
    solve: Callable[..., list[str]], server: Faulty
) -> None:
    with pytest.raises(EnvsyncError) as caught:
        solve(f"-i {server.url.replace('//', '//${NOT_SET}@')}/401/simple", "base")

    assert caught.value.message == (
        "Cannot lock the pip requirements: `${NOT_SET}` under `pip:` has no value"
    )
    assert caught.value.hint == "set it: `export NOT_SET=…`"


def test_of_several_main_indexes_the_last_counts(
    solve: Callable[..., list[str]], server: Faulty
) -> None:
    good = f"--index-url={server.url}/good"

    assert solve(f"-i {server.url}/401", good, "base") == []
    assert solve(good, good, "base") == []
