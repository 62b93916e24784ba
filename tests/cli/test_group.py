from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from envsync.cli.terminal.group import group, paint, run
from envsync.errors import DefinitionError, EnvsyncError, Finding

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Done


def end_of(raised: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    @click.command()
    def command() -> None:
        raise raised

    with pytest.raises(SystemExit) as caught:
        run(command, [])
    return (caught.value.code, *capsys.readouterr())  # type: ignore[return-value]


def test_an_error_is_two_lines_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert end_of(EnvsyncError("It broke", hint="mend it"), capsys) == (
        1,
        "",
        "Error: It broke\nHint: mend it\n",
    )


def test_who_wants_no_colour_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    painted = paint("Error:", "red")
    monkeypatch.setenv("NO_COLOR", "1")

    assert painted == "\x1b[31m\x1b[1mError:\x1b[0m"
    assert paint("Error:", "red") == "Error:"


def test_every_finding_of_a_definition_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    error = DefinitionError.from_findings(
        [
            Finding(file="a.yml", line=3, key_path="x[1]", message="is wrong", hint="right it"),
            Finding(file="b.json", message="is missing"),
        ]
    )

    assert end_of(error, capsys) == (
        2,
        "",
        "Error: `a.yml`:3: x[1]: is wrong\nHint: right it\nError: `b.json`: is missing\n",
    )


def test_a_full_disk_is_no_bug(capsys: pytest.CaptureFixture[str]) -> None:
    assert end_of(OSError(28, "No space left on device", "x"), capsys) == (
        1,
        "",
        "Error: `x`: No space left on device\nHint: make room, or write to another disk\n",
    )


def test_a_full_stdout_is_no_bug() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "envsync", "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert (done.returncode, done.stderr) == (
        1,
        "Error: No space left on device\nHint: make room, or write to another disk\n",
    )


def test_a_working_directory_that_was_removed_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    try:
        end = end_of(FileNotFoundError(2, "No such file or directory"), capsys)
    finally:
        monkeypatch.undo()

    assert end == (
        1,
        "",
        "Error: The working directory is no longer there\nHint: change to a folder that is\n",
    )


def test_an_interruption_has_its_own_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert end_of(KeyboardInterrupt(), capsys) == (130, "", "\nInterrupted\n")


def test_a_bug_is_shown_with_what_a_report_needs(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, stderr = end_of(ZeroDivisionError("oh"), capsys)

    assert status == 3
    assert "ZeroDivisionError: oh" in stderr
    assert "This is a bug in envsync" in stderr


def test_the_version_is_one_line(envsync: Callable[..., Done]) -> None:
    assert envsync("--version").stdout == "envsync 0.1.0\n"


def test_an_unknown_command_is_a_usage_error(envsync: Callable[..., Done]) -> None:
    assert envsync("frobnicate") == (
        2,
        "",
        """Usage: envsync [OPTIONS] COMMAND [ARGS]...
Error: No such command `frobnicate`
Hint: see `envsync --help`
""",
    )


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (("lok",), "lock"),
        (("build_local",), "build-local"),
        (("Install",), "build-local"),
        (("model", "lst"), "list"),
        (("service", "stop"), "delete"),
        (("model", "ls"), "list"),
        (("activate",), "run"),
        (("logs", "churn"), "service logs"),
        (("lock", "--subdr", "linux-64"), "--subdir"),
        (("export", "x", "--format", "pylok"), "pylock"),
    ],
)
def test_a_slip_is_answered_with_what_may_be_meant(
    envsync: Callable[..., Done], said: tuple[str, ...], meant: str
) -> None:
    assert envsync(*said).stderr.endswith(f"\nHint: did you mean `{meant}`?\n")


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (("add",), "Missing argument `SPEC...`"),
        (
            ("lock", "--max-changes", "few"),
            "Invalid value for `--max-changes`: `few` is not a whole number",
        ),
        (
            ("lock", "--max-changes", "-1"),
            "Invalid value for `--max-changes`: -1 is less than 0",
        ),
        (
            ("serve", "--port", "80000"),
            "Invalid value for `--port`: 80000 is not between 0 and 65535",
        ),
        (("score",), "Missing option `--data`"),
        (
            ("export", "x"),
            (
                "Missing option `--format`. Choose from: "
                "azureml-v2, environment-yml, explicit, pixi, pylock"
            ),
        ),
    ],
)
def test_a_usage_error_reads_like_every_other(
    envsync: Callable[..., Done], said: tuple[str, ...], error: str
) -> None:
    assert envsync(*said).stderr.splitlines()[1:] == [
        f"Error: {error}",
        f"Hint: see `envsync {said[0]} --help`",
    ]


@pytest.mark.parametrize("group_name", [(), ("model",), ("service",)])
def test_help_describes_each_command_whole_within_80_columns(
    envsync: Callable[..., Done], group_name: tuple[str, ...]
) -> None:
    listed = envsync(*group_name, "--help").stdout.partition("Commands:\n")[2].splitlines()

    assert len(listed) > 3
    for line in listed:
        assert len(line) <= 80
        assert line.endswith(".")
        assert not line.endswith("...")


def test_help_lists_the_commands_without_importing_them() -> None:
    code = (
        "import sys\nfrom envsync.cli import main\ntry:\n    main(['--help'])\n"
        "except SystemExit:\n    print('envsync.cli.lock' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "False"


def test_no_option_is_left_to_guess_what_it_takes(envsync: Callable[..., Done]) -> None:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        for one in getattr(command, "commands", {"": None}):
            said = envsync(name, *filter(None, [one]), "--help").stdout
            assert re.search(r" (TEXT|INTEGER|FLOAT)\b", said) is None


def test_every_command_has_help(envsync: Callable[..., Done]) -> None:
    listed = envsync("--help").stdout.partition("Commands:\n")[2].splitlines()

    for line in listed:
        name = line.split()[0]
        assert envsync(name, "--help").stdout.startswith(f"Usage: envsync {name} ")
