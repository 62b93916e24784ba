"""Before an entry script runs, its environment is held against its lock."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.served import wait_until

from envsync.workflow.environment.proof import prove

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Done

pytestmark = pytest.mark.e2e

_REQUEST = ("--data", "r.json", "--json")


@pytest.fixture
def built(locked: Callable[..., Done], tmp_path: Path) -> Callable[..., Done]:
    """Return `envsync` where the definition `d` has an environment, a script and a request."""
    assert locked("build-local", "d").status == 0
    (tmp_path / "d" / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
    (tmp_path / "r.json").write_text("1")
    return locked


@pytest.fixture
def prefix(private_home: Path) -> Path:
    return private_home / ".envsync" / "envs" / "d"


def _digest(path: Path) -> str:
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def _install(prefix: Path, name: str) -> None:
    """Leave what an installer would leave of a package."""
    info = prefix / "lib/python3.11/site-packages" / f"{name}.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("")


def test_an_answer_names_the_lock_that_its_environment_was_made_from(
    built: Callable[..., Done], tmp_path: Path, prefix: Path
) -> None:
    lock = tmp_path / "d" / "conda-lock.yml"
    made_from = _digest(lock)
    by_definition = built("score", "d", "--data", "r.json", "--json")
    lock.write_text(lock.read_text() + "# the same, but for this comment\n")
    after_an_edit = built("score", "d", "--data", "r.json", "--json")
    by_name = built("score", "-n", "d", "--entry-script", "d/score.py", *_REQUEST)

    answers = [json.loads(it.stdout)["lock"] for it in (by_definition, after_an_edit, by_name)]
    assert answers == [made_from] * 3
    assert built("build-local", "d").stderr == f"`{prefix}` is up to date\n"
    renewed = built("score", "d", "--data", "r.json", "--json")
    assert json.loads(renewed.stdout)["lock"] == _digest(lock)


def test_an_environment_that_somebody_installed_into_is_refused(
    built: Callable[..., Done], prefix: Path
) -> None:
    _install(prefix, "requests-2.32")
    problem = f"Environment `{prefix}` is not what its lock says: `requests-2.32` was added\n"
    mend = "Hint: make it anew with `envsync build-local d`"

    for command in (("score", "d", *_REQUEST), ("serve", "d", "--port", "0")):
        assert built(*command) == (1, "", f"Error: {problem}{mend}, or go on with `--no-check`\n")
    forced = built("score", "d", *_REQUEST, "--no-check")
    assert (forced.status, forced.stderr) == (0, f"Warning: {problem}{mend}\n")
    assert json.loads(forced.stdout)["lock"] is None
    ran = built("run", "d", "true")
    assert (ran.status, ran.stderr) == (0, f"Warning: {problem}{mend}\n")

    assert built("build-local", "d").status == 0
    assert built("score", "d", *_REQUEST).status == 0


def test_a_lock_that_is_stale_or_another_is_told(
    built: Callable[..., Done], define: Callable[..., Path], prefix: Path
) -> None:
    define("python", "six=1.16", pip=("idna==3.10",), environmentVariables={"GREETING": "hello"})
    stale = built("score", "d", *_REQUEST)
    assert built("lock", "d").status == 0
    another = built("score", "d", *_REQUEST)

    assert (stale.status, another.status) == (1, 1)
    assert stale.stderr == (
        "Error: `d/conda-lock.yml` is stale: "
        "`conda_dependencies.yml` changed `six=1.17` to `six=1.16`\n"
        "Hint: run `envsync lock d` and `envsync build-local d`, or go on with `--no-check`\n"
    )
    assert another.stderr == (
        f"Error: Environment `{prefix}` was made from another lock than `d/conda-lock.yml`: "
        "it has `six` 1.17.0, not 1.16.0\n"
        "Hint: run `envsync build-local d`, or go on with `--no-check`\n"
    )


def test_other_variables_and_comments_are_no_drift(
    built: Callable[..., Done], define: Callable[..., Path]
) -> None:
    define("python", "six=1.17", pip=("idna==3.10",), environmentVariables={"GREETING": "bye"})

    assert built("score", "d", *_REQUEST).status == 0


def test_a_lock_or_a_receipt_that_is_gone_is_told(
    built: Callable[..., Done], tmp_path: Path, prefix: Path
) -> None:
    lock = tmp_path / "d" / "conda-lock.yml"
    lock.rename(tmp_path / "aside")
    without_lock = built("score", "d", *_REQUEST)
    (tmp_path / "aside").rename(lock)
    (prefix / "conda-meta" / "envsync" / "receipt.json").unlink()
    without_receipt = built("score", "d", *_REQUEST)

    assert (without_lock.status, without_receipt.status) == (1, 1)
    assert without_lock.stderr.startswith("Error: `d` has no `conda-lock.yml`\n")
    assert without_receipt.stderr.startswith(
        "Error: The environment of `d` does not say what it was made from\n"
    )


def test_a_server_says_which_lock_answered(built: Callable[..., Done], tmp_path: Path) -> None:
    del built
    log = tmp_path / "log"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            [sys.executable, "-m", "envsync", "serve", "d", "--port", "0"],
            cwd=tmp_path,
            stdout=stream,
            stderr=stream,
        )
    try:
        wait_until(lambda: "Ready: " in log.read_text(), "the server")
        found = re.search(r"Ready: http://localhost:(\d+)/score", log.read_text())
        assert found is not None
        connection = http.client.HTTPConnection("localhost", int(found[1]), timeout=30)
        connection.request("POST", "/score", body="1")
        said = connection.getresponse().headers["x-envsync-lock"]
        connection.close()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    assert said == _digest(tmp_path / "d" / "conda-lock.yml")


def test_an_environment_that_envsync_did_not_make_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()

    proof = prove(tmp_path, None, is_at_hand=True)
    assert (proof.check(), proof.problem) == (None, None)
