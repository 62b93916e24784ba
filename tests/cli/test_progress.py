from __future__ import annotations

import io
import re
import sys
from typing import TYPE_CHECKING

from envsync.cli.terminal.progress import report_progress

if TYPE_CHECKING:
    import pytest


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_elsewhere_each_step_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with report_progress() as reporter:
        reporter.step("Linking", total=2)
        reporter.advance()
        reporter.step("Locking")
        reporter.note("Done")

    assert capsys.readouterr().err == "Linking (2)\nLocking\nDone\n"


def test_a_terminal_gets_bars_and_keeps_the_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    with report_progress() as reporter:
        reporter.note("Before")
        reporter.step("Linking", total=2)
        reporter.advance()
        reporter.note("a [bracket] stays")

    said = terminal.getvalue()
    assert said.startswith("Before\n")
    assert "a [bracket] stays" in said
    assert "Linking (2)" in said


def test_a_terminal_shows_names_in_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    with report_progress() as reporter:
        reporter.step("Reading [cyan]channel")

    assert "Reading [cyan]channel" in terminal.getvalue()


def test_a_terminal_that_knows_no_colours_or_moves_gets_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "dumb")

    with report_progress() as reporter:
        reporter.step("Linking", total=2)

    assert terminal.getvalue() == "Linking (2)\n"


def test_who_wants_no_colour_gets_bars_without(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")

    with report_progress() as reporter:
        reporter.step("Linking", total=2)
        reporter.advance()

    assert "Linking (2)" in terminal.getvalue()
    assert re.search(r"\x1b\[[0-9;]*(3\d|38;|9\d)[0-9;]*m", terminal.getvalue()) is None


def test_a_terminal_where_nothing_happens_costs_no_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    with report_progress():
        pass

    assert terminal.getvalue() == ""
