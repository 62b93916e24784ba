from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from envsync.cli import help as of_help
from envsync.cli.terminal.group import group

GUIDE = Path(of_help.__file__).parents[1] / "docs"
TOPICS = sorted(path.stem for path in GUIDE.glob("*.md") if path.name != "README.md")


def envsync(*arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "envsync", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def envsync_in_a_terminal(*arguments: str) -> str:
    """Return what a terminal of 24 lines gets; a pager puts `| ` before each line."""
    leader, follower = pty.openpty()
    os.set_blocking(leader, True)
    environ = {**os.environ, "COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
    environ["PAGER"] = "sed 's/^/| /'"
    command = [sys.executable, "-m", "envsync", *arguments]
    with subprocess.Popen(command, stdin=follower, stdout=follower, env=environ) as process:
        os.close(follower)
        printed = b""
        while part := _read(leader):
            printed += part
        process.wait()
    os.close(leader)
    return printed.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that nobody writes to it any longer
        return b""


def test_without_a_topic_the_topics_are_listed() -> None:
    result = CliRunner().invoke(group, ["help"])

    assert result.exit_code == 0
    assert result.stdout == (GUIDE / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_can_be_shown(topic: str) -> None:
    result = CliRunner().invoke(group, ["help", topic])

    assert result.stdout == (GUIDE / f"{topic}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["lock", "service", "help"])
def test_the_name_of_a_command_shows_its_options(name: str) -> None:
    assert envsync("help", name) == envsync(name, "--help")


def test_no_topic_has_the_name_of_a_command() -> None:
    assert set(TOPICS) & set(group.list_commands(click.Context(group))) == set()


def test_an_unknown_topic_is_refused_with_those_that_there_are() -> None:
    status, stdout, stderr = envsync("help", "lokcing")

    assert (status, stdout) == (2, "")
    usage, error, hint = stderr.splitlines()
    assert usage == "Usage: envsync help [OPTIONS] [TOPIC]"
    assert error.startswith("Error: Invalid value for `TOPIC`: `lokcing` is not one of `concepts`")
    assert [topic for topic in TOPICS if f"`{topic}`" not in error] == []
    assert hint == "Hint: did you mean `locking`?"


def test_a_terminal_gets_a_short_page_rendered() -> None:
    printed = envsync_in_a_terminal("help", "changes")

    assert "| " not in printed
    assert "## " not in printed
    assert "\x1b[" in printed


def test_a_terminal_gets_a_long_page_by_its_pager() -> None:
    lines = envsync_in_a_terminal("help", "images").splitlines()

    assert len(lines) > 24
    assert [line for line in lines if not line.startswith("| ")] == []


def test_links_to_other_pages_become_commands_in_a_terminal() -> None:
    assert "envsync help images" in envsync_in_a_terminal("help", "environments")
    assert "](" not in envsync_in_a_terminal("help", "environments")
