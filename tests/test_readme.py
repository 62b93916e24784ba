from __future__ import annotations

from pathlib import Path

import click
import pytest

from envsync.cli.terminal.group import group

README = Path(__file__).resolve().parents[1] / "README.md"
COMMANDS = group.list_commands(click.Context(group))


def reference_of(name: str) -> str:
    lines = README.read_text(encoding="utf-8").splitlines()
    return next((line for line in lines if line.startswith(f"| `envsync {name} ")), "")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_stands_in_the_reference(name: str) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    options = {
        option
        for each in (command, *getattr(command, "commands", {}).values())
        for parameter in each.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
        if option.startswith("--") and option != "--help"
    }

    row = reference_of(name)
    if "what `serve` takes" in row:
        row += reference_of("serve")

    assert row
    assert {option for option in options if f"`{option}" not in row} == set()


def test_the_reference_has_no_command_that_is_not_there() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    named = {line.split()[2].strip("`,") for line in lines if line.startswith("| `envsync ")}

    assert named - {"--version"} - set(COMMANDS) == set()
