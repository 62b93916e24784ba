"""Rules about the Python that the environment gets."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from envsync.definition.requirement.python_pin import SDK_DEFAULT, python_pin
from envsync.definition.rules.diagnosis import Diagnosis, warning
from envsync.model.text.redaction import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envsync.definition.requirement.match_spec import MatchSpec
    from envsync.definition.rules.document import Value
    from envsync.definition.rules.subject import Subject

# When the security fixes of a release end: https://devguide.python.org/versions/
_ENDS = {
    "2.7": date(2020, 1, 1),
    "3.4": date(2019, 3, 18),
    "3.5": date(2020, 9, 30),
    "3.6": date(2021, 12, 23),
    "3.7": date(2023, 6, 27),
    "3.8": date(2024, 10, 7),
    "3.9": date(2025, 10, 31),
    "3.10": date(2026, 10, 31),
    "3.11": date(2027, 10, 31),
    "3.12": date(2028, 10, 31),
    "3.13": date(2029, 10, 31),
    "3.14": date(2030, 10, 31),
}
_MINOR = re.compile(r"[=~]*\s*(?P<minor>[23]\.\d+)(?!\d)")
_BOUND = re.compile(r"<|~=\s*\d+\.\d+\.\d|^=*\s*\d+\.\d|(?<![<>!~])=\s*\d+\.\d")


def check_python_is_pinned(subject: Subject) -> Iterator[Diagnosis]:
    """Find a Python that may be another minor version tomorrow."""
    for value, spec in _find_pythons(subject):
        version = _version_of(spec)
        if not any(_BOUND.search(part) for part in re.split(r"[,|]", version)):
            message = f"{quote(value.text)} takes whichever Python is newest"
            yield warning(
                "unpinned-python", value.finding(message, "pin it, `python=3.12` for one")
            )


def check_python_survives_sdk(subject: Subject) -> Iterator[Diagnosis]:
    """Find a pin that the Azure ML SDK does not understand, and puts its own in the place of."""
    pythons = list(_find_pythons(subject))
    if len(pythons) != 1 or subject.conda is None:
        return
    value, spec = pythons[0]
    pin = python_pin(item.value.text for item in subject.conda.items)
    if not pin.survives_sdk:
        saved = " and ".join(quote(text) for text in pin.sdk_saves)
        message = "`from_conda_specification` of the Azure ML SDK turns "
        message += f"{quote(value.text)} into {saved}"
        hint = f"write {_suggest(spec)}, which it understands"
        yield warning("python-lost-by-sdk", value.finding(message, hint))
    elif pin.sdk_reads is not None and re.search(rf"<\s*{re.escape(pin.sdk_reads)}$", value.text):
        message = f"the Azure ML SDK reads {quote(value.text)} as Python {pin.sdk_reads}"
        yield warning("python-lost-by-sdk", value.finding(message, f"write {_suggest(spec)}"))


def check_python_age(subject: Subject) -> Iterator[Diagnosis]:
    """Find a Python that gets no security fixes any more."""
    for value, spec in _find_pythons(subject):
        version = _version_of(spec)
        found = _MINOR.match(version)
        end = None if found is None else _ENDS.get(found["minor"])
        if found is not None and end is not None and end < subject.today:
            message = f"Python {found['minor']} has had no security fixes since {end.isoformat()}"
            yield warning("old-python", value.finding(message, "move to a newer Python"))


def _find_pythons(subject: Subject) -> Iterator[tuple[Value, MatchSpec]]:
    for item in () if subject.conda is None else subject.conda.items:
        if item.spec is not None and item.spec.name == "python":
            yield item.value, item.spec


def _version_of(spec: MatchSpec) -> str:
    return dict(spec.brackets).get("version", spec.version or "").strip()


def _suggest(spec: MatchSpec) -> str:
    """Return the pin in the one form that conda and the SDK read alike."""
    found = re.search(r"\d+\.\d+(?:\.\d+)?(?![\w])", _version_of(spec))
    return (
        f"`python={found.group()}`" if found is not None else f"a version, `{SDK_DEFAULT}` for one"
    )
