"""Frozen JSON values, which envsync keeps and passes on without using them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = "bool | int | float | str | tuple[Json, ...] | JsonObject | None"


@dataclass(frozen=True, slots=True)
class JsonObject:
    """A JSON object in the order of its file; `repr` hides its entries, which may be secret."""

    entries: tuple[tuple[str, Json], ...] = field(default=(), repr=False)


def freeze(value: Any) -> Json:
    """Return *value*, as a JSON parser returns it, with tuples and `JsonObject` in it."""
    if isinstance(value, Mapping):
        return JsonObject(tuple((str(key), freeze(item)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return tuple(freeze(item) for item in value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    msg = f"JSON has no {type(value).__name__}"
    raise TypeError(msg)


def thaw(value: Json) -> Any:
    """Reverse `freeze`: return *value* with lists and dicts."""
    if isinstance(value, JsonObject):
        return {key: thaw(item) for key, item in value.entries}
    if isinstance(value, tuple):
        return [thaw(item) for item in value]
    return value
