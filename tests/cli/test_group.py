from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from envsync.cli._group import paint, run
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
        "Error: `x`: No space left on device\n",
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
    done = envsync("lok")

    assert done.status == 2
    assert "No such command 'lok'" in done.stderr


def test_every_command_has_help(envsync: Callable[..., Done]) -> None:
    listed = envsync("--help").stdout.partition("Commands:\n")[2].splitlines()

    for line in listed:
        name = line.split()[0]
        assert envsync(name, "--help").stdout.startswith(f"Usage: envsync {name} ")
