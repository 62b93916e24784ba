from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from envsync.cli._progress import report_progress

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


def test_a_terminal_where_nothing_happens_costs_no_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    with report_progress():
        pass

    assert terminal.getvalue() == ""
