from __future__ import annotations

import pytest

from envsync.model.text.wording import count, find_near, suggest


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 pip packages"), (1, "1 pip package"), (2, "2 pip packages")]
)
def test_one_is_counted_in_the_singular(number: int, text: str) -> None:
    assert count(number, "pip package") == text


@pytest.mark.parametrize(
    ("word", "near"),
    [("nunpy", "numpy"), ("SciKit_Lern", "scikit-learn"), ("np", None), ("torch", None)],
)
def test_a_slip_is_near_to_what_it_is_a_slip_of(word: str, near: str | None) -> None:
    assert find_near(word, ["numpy", "pandas", "scikit-learn"]) == near


def test_who_wants_more_likeness_finds_less() -> None:
    assert find_near("sklearn", ["scikit-learn"]) == "scikit-learn"
    assert find_near("sklearn", ["scikit-learn"], likeness=0.9) is None


def test_a_guess_is_a_question() -> None:
    assert suggest("lok", ["lock", "check"]) == "did you mean `lock`?"
    assert suggest("frobnicate", ["lock", "check"]) is None
