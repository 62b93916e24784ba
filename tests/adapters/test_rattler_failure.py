from __future__ import annotations

import pytest
from rattler.config import Config

from envsync.adapters.rattler.failure import explain_unreachable, fold_reasons
from envsync.model.channel import resolve_channel

CONFLICT = ", which conflicts with the versions reported above."


def test_builds_that_conflict_in_the_same_way_are_one_line() -> None:
    versions = ("3.9.23", "3.9.10", "3.9.10", "3.9.9", "3.9.7", "3.9.0")

    assert fold_reasons(
        [
            "The following packages are incompatible",
            "├─ python 3.9.* cannot be installed because there are no viable options:",
            *(f"│  ├─ python {version}{CONFLICT}" for version in versions),
            f"│  └─ python 3.9.1{CONFLICT}",
            "└─ python 3.10.* cannot be installed because there are no viable options:",
            f"   ├─ python 3.10.0{CONFLICT}",
            f"   └─ pypy 3.10.0{CONFLICT}",
        ]
    ) == [
        "The following packages are incompatible",
        "├─ python 3.9.* cannot be installed because there are no viable options:",
        f"│  └─ python 3.9.23 | 3.9.10 | ... | 3.9.1{CONFLICT}",
        "└─ python 3.10.* cannot be installed because there are no viable options:",
        f"   ├─ python 3.10.0{CONFLICT}",
        f"   └─ pypy 3.10.0{CONFLICT}",
    ]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("conda-forg", "conda-forge"),
        ("Conda-Forge", "conda-forge"),
        ("conda_forge", "conda-forge"),
        ("default", "defaults"),
        ("conda-forge", None),
        ("mine", None),
        ("https://example.com/conda-forg", None),
    ],
)
def test_a_misspelt_channel_is_told_from_one_that_does_not_answer(
    name: str, meant: str | None
) -> None:
    channel = resolve_channel(name, "linux-64")
    reason = f"HTTP status client error (404 Not Found) for url ({channel.urls[0]}/x)"

    hint = explain_unreachable([channel], Exception(reason), config=Config()).hint or ""

    assert (hint == f"did you mean `{meant}`?") == (meant is not None)
    assert hint
