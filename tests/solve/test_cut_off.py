from datetime import datetime, timezone

import pytest

from envsync.errors import DefinitionError
from envsync.solve.cut_off import parse_cut_off


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2020-12-31", (2021, 1, 1)),
        ("2020-12-31T00:00:00Z", (2020, 12, 31)),
        ("2020-12-31T02:00:00+02:00", (2020, 12, 31)),
        ("2020-12-31T00:00:00", (2020, 12, 31)),
    ],
)
def test_a_day_counts_whole_and_a_time_as_it_is(text: str, moment: tuple[int, int, int]) -> None:
    assert parse_cut_off(text) == datetime(*moment, tzinfo=timezone.utc)


def test_no_date_is_no_cut_off() -> None:
    assert parse_cut_off(None) is None


@pytest.mark.parametrize("text", ["yesterday", "", "2020-13-01"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(DefinitionError, match="is not a date"):
        parse_cut_off(text)
