"""What an error says of itself, where nobody renders it."""

from __future__ import annotations

import pickle
import traceback

from envsync.errors import DefinitionError, EnvsyncError, Finding, UnsatisfiableError
from envsync.sdk.service.scoring import ScoringError


def test_a_traceback_ends_with_what_to_do() -> None:
    error = EnvsyncError("There is no model `churn`", hint="register it")

    lines = "".join(traceback.format_exception_only(type(error), error)).splitlines()

    assert lines == [
        "envsync.errors.EnvsyncError: There is no model `churn`",
        "Hint: register it",
    ]
    assert error.message == "There is no model `churn`"


def test_an_error_without_a_hint_is_its_message() -> None:
    assert str(EnvsyncError("It is full")) == "It is full"
    assert str(DefinitionError("It is wrong")) == "It is wrong"


def test_a_hint_that_is_found_later_counts_too() -> None:
    error = UnsatisfiableError("No solution", reasons=["six 99 is not there"])
    error.hint = "relax `six`"

    assert str(error) == "No solution\n  six 99 is not there\nHint: relax `six`"


def test_a_definition_shows_everything_that_is_wrong_with_it() -> None:
    error = DefinitionError.from_findings(
        [
            Finding(file="a.yml", line=3, message="`x` is not a list", hint="write `- x`"),
            Finding(file="a.yml", line=7, message="`y` is there twice"),
        ]
    )

    assert str(error).splitlines() == [
        "`a.yml`:3: `x` is not a list",
        "Hint: write `- x`",
        "`a.yml`:7: `y` is there twice",
    ]


def test_errors_cross_process_borders() -> None:
    finding = Finding(file="a.yml", line=3, message="`x` is not a list", hint="write `- x`")
    for error in (
        EnvsyncError("It is full", hint="make room"),
        DefinitionError.from_findings([finding]),
        UnsatisfiableError("No solution", reasons=["six 99 is not there"], hint="relax `six`"),
        ScoringError(500, b"no"),
    ):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes

        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)
