"""The date after which nothing counts, so that a definition is locked as the world was then."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from envsync.errors import DefinitionError

CUT_OFF_KEY = "envsync.exclude-newer"

_DATE_LENGTH = len("2020-01-31")


def parse_cut_off(text: str | None) -> datetime | None:
    """Return the moment that *text* names: a time with its zone, or a whole day in UTC.

    Raises:
        DefinitionError: *text* is neither.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise DefinitionError(
            f"`{text}` is not a date",
            hint="write it as `2020-12-31` or `2020-12-31T00:00:00Z`",
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    if len(text) == _DATE_LENGTH:
        moment += timedelta(days=1)  # the day itself counts, as for uv
    return moment.astimezone(timezone.utc)
