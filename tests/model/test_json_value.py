from __future__ import annotations

import pytest

from envsync.model.json_value import JsonObject, freeze, thaw


def test_frozen_value_thaws_to_what_it_was() -> None:
    value = {"a": [1, 2.5, None, True, {"b": "c"}], "d": {}}
    assert thaw(freeze(value)) == value
    assert hash(freeze(value)) == hash(freeze(value))


def test_frozen_object_keeps_its_order_and_hides_its_values() -> None:
    frozen = freeze({"b": "FAKE", "a": 1})
    assert frozen == JsonObject((("b", "FAKE"), ("a", 1)))
    assert "FAKE" not in repr(frozen)


def test_value_that_json_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="JSON has no bytes"):
        freeze(b"")
