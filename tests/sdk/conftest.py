"""The words of the SDK, whichever face other tests of this process have used."""

from __future__ import annotations

import pytest

from envsync.remedy import use_words
from envsync.sdk.remedies import word_remedy


@pytest.fixture(autouse=True)
def words_of_the_sdk() -> None:
    use_words(word_remedy)
