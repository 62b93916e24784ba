from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from channel import Served
    from conftest import Done

pytestmark = pytest.mark.e2e


def start(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "envsync", *arguments],
        cwd=cwd,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def python_says(prefix: Path, code: str) -> str:
    done = subprocess.run(
        [prefix / "bin" / "python", "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def built(
    envsync: Callable[..., Done], define: Callable[..., Path], private_home: Path, channel: Served
) -> Path:
    del channel
    define("python", "six=1.17", pip=("httpx==0.28.1",), environmentVariables={"GREETING": "hello"})
    assert envsync("lock", "d").status == 0
    assert envsync("build-local", "d").status == 0
    return private_home / ".envsync" / "envs" / "d"


def test_the_environment_runs_and_has_what_was_locked(built: Path) -> None:
    code = "import six, httpx, sys; print(six.__version__, httpx.__version__, sys.prefix)"

    assert python_says(built, code).startswith(f"1.17.0 0.28.1 {built}")


def test_conda_would_see_all_of_it(built: Path) -> None:
    registry = (Path.home() / ".conda" / "environments.txt").read_text().splitlines()
    state = json.loads((built / "conda-meta" / "state").read_text())

    assert registry == [str(built)]
    assert state["env_vars"] == {"GREETING": "hello"}
    assert (built / "conda-meta" / "history").exists()


def test_scripts_of_pip_packages_run(built: Path) -> None:
    script = built / "bin" / "httpx"

    assert script.read_text().startswith(f"#!{built}/bin/python")
    assert subprocess.run([script, "--help"], capture_output=True, check=False).returncode in (0, 1)


def test_nothing_to_do_is_said_and_fetches_nothing(
    built: Path, envsync: Callable[..., Done], channel: Served
) -> None:
    asked = len(channel.requests)

    assert envsync("build-local", "d") == (0, "", f"`{built}` is up to date\n")
    assert len(channel.requests) == asked


def test_a_stale_lock_is_not_built_unless_asked(
    built: Path, envsync: Callable[..., Done], define: Callable[..., Path]
) -> None:
    define("python", "six=1.16")

    stale = envsync("build-local", "d")
    frozen = envsync("build-local", "d", "--frozen")

    assert stale.status == 1
    assert stale.stderr.startswith("Error: `d/conda-lock.yml` is stale: ")
    assert frozen.status == 0
    assert python_says(built, "import six; print(six.__version__)") == "1.17.0"


def test_a_new_lock_makes_a_new_environment_in_place(
    built: Path, envsync: Callable[..., Done], define: Callable[..., Path]
) -> None:
    define("python", "six=1.16")
    envsync("lock", "d")

    assert envsync("build-local", "d").status == 0
    assert python_says(built, "import six; print(six.__version__)") == "1.16.0"
    assert not list(built.glob("lib/python3*/site-packages/httpx"))


def test_an_environment_may_lie_anywhere(
    built: Path, envsync: Callable[..., Done], tmp_path: Path
) -> None:
    done = envsync("build-local", "d", "-p", "my env")

    assert done.status == 0
    prefix = tmp_path / "my env"
    assert prefix.resolve() != built.resolve()
    assert python_says(prefix, "import sys; print(sys.prefix)") == str(prefix)
    assert subprocess.run([prefix / "bin/httpx", "--help"], check=False).returncode in (0, 1)


def test_name_and_path_exclude_each_other(envsync: Callable[..., Done]) -> None:
    assert envsync("build-local", "-p", "x", "-n", "y").status == 2


def test_run_passes_the_status_on_and_sets_the_variables(built: Path, tmp_path: Path) -> None:
    code = "import os, sys; print(os.environ['GREETING'], sys.prefix); sys.exit(7)"
    process = start("run", "d", "python", "-c", code, cwd=tmp_path)

    stdout, stderr = process.communicate()

    assert (process.returncode, stdout, stderr) == (7, f"hello {built}\n", "")


@pytest.mark.usefixtures("built")
def test_run_takes_two_dashes_before_the_command(tmp_path: Path) -> None:
    several = start(
        "run", "d", "--", "python", "-c", "import sys; print(sys.argv)", "--", "-x", cwd=tmp_path
    )
    none = start("run", "d", "--", cwd=tmp_path)

    assert several.communicate()[0] == "['-c', '--', '-x']\n"
    assert "Error: `--` has no command after it\n" in none.communicate()[1]


def test_who_has_no_conda_is_told_how_to_enter_without(
    built: Path, envsync: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del built
    monkeypatch.setenv("PATH", str(tmp_path))
    told = envsync("build-local", "d", "-p", "my env").stderr.splitlines()[-1]
    (tmp_path / "conda").write_text("#!/bin/sh\n")
    (tmp_path / "conda").chmod(0o755)
    with_conda = envsync("build-local", "d", "-p", "its env").stderr.splitlines()[-1]

    assert told == "Run a command in it with `envsync run -p 'my env' d COMMAND`"
    assert with_conda == f"Activate it with `conda activate '{tmp_path}/its env'`"


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        (
            "nocmd",
            127,
            (
                "Error: `nocmd` is not on the environment's PATH\n"
                "Hint: add the package that has it with `envsync add`, "
                "then lock and build again\n"
            ),
        ),
        ("./nofile", 127, "Error: Cannot run `./nofile`: No such file or directory\n"),
        (
            "./text",
            126,
            "Error: Cannot run `./text`: it is not executable\nHint: run `chmod +x ./text`\n",
        ),
        ("./d", 126, "Error: Cannot run `./d`: it is a folder\n"),
        ("./broken", 126, "Error: Cannot run `./broken`: No such file or directory\n"),
    ],
)
def test_run_ends_as_a_shell_does_where_the_command_cannot_be_run(
    built: Path, tmp_path: Path, command: str, status: int, said: str
) -> None:
    del built
    (tmp_path / "text").write_text("echo hello\n")
    (tmp_path / "broken").write_text("#!/no/such/interpreter\n")
    (tmp_path / "broken").chmod(0o755)
    process = start("run", "d", command, cwd=tmp_path)

    _, stderr = process.communicate()

    assert (process.returncode, stderr) == (status, said)


def test_run_without_an_environment_says_how_to_make_it(
    envsync: Callable[..., Done], define: Callable[..., Path]
) -> None:
    define("python")

    done = envsync("run", "d", "python")
    elsewhere = envsync("run", "-p", "/gone", "d", "python")

    named = envsync("run", "-n", "gone", "d", "python")

    assert (done.status, elsewhere.status, named.status) == (1, 1, 1)
    assert named.stderr.endswith("Hint: run `envsync build-local d -n gone`\n")
    assert done.stderr.endswith("Hint: run `envsync build-local d`\n")
    assert elsewhere.stderr.endswith("Hint: run `envsync build-local d -p /gone`\n")


def test_two_processes_end_in_one_whole_environment(built: Path, tmp_path: Path) -> None:
    both = [start("build-local", "d", "-p", "shared", cwd=tmp_path) for _ in range(2)]

    said = sorted(process.communicate()[1].splitlines()[-1] for process in both)

    assert [process.returncode for process in both] == [0, 0]
    assert said[1].endswith("is up to date")
    assert python_says(tmp_path / "shared", "import six; print(six.__version__)") == "1.17.0"
    assert built.exists()


@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT", "SIGTERM"])
@pytest.mark.parametrize("delay", [0.15, 0.35, 0.6])
def test_a_process_that_is_stopped_leaves_the_old_or_the_new_environment(
    built: Path,
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    tmp_path: Path,
    name: str,
    delay: float,
) -> None:
    define("python", "six=1.16")
    envsync("lock", "d")
    process = start("build-local", "d", cwd=tmp_path)
    try:
        process.wait(timeout=delay)
    except subprocess.TimeoutExpired:
        process.send_signal(getattr(signal, name))
    process.communicate()

    assert python_says(built, "import six; print(six.__version__)") in ("1.16.0", "1.17.0")
    assert envsync("build-local", "d").status == 0
    assert python_says(built, "import six; print(six.__version__)") == "1.16.0"
    left = built.parent / f".{built.name}.generations"
    assert not list(left.glob("*.partial"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
def test_a_full_disk_is_one_error_and_the_old_environment_stays(
    built: Path, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small], check=True)
    try:
        process = start("build-local", "d", "-p", str(small / "env"), cwd=tmp_path)
        _, stderr = process.communicate()
        left = [path.name for path in small.iterdir()]
    finally:
        subprocess.run(["/bin/umount", small], check=True)

    assert process.returncode == 1
    assert "No space left on device" in stderr
    assert "Traceback" not in stderr
    assert left == [".env.generations"]
    assert built.exists()
