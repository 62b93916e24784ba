"""Every third definition of the corpus; `tests/bench/compare_corpus.py` takes all of them."""

from pathlib import Path

import pytest
from support.corpus import compare, list_definitions


@pytest.mark.e2e
@pytest.mark.usefixtures("realchannel")
def test_what_rattler_alone_solves_is_locked_with_the_same_packages(
    shared: Path, tmp_path: Path
) -> None:
    compared = 0
    for path, bare, here in compare(list_definitions(shared)[::3], tmp_path / "cache"):
        assert here == bare, path.name
        compared += 1

    assert compared >= 5
