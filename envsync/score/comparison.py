"""Holding answers against those that were expected."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from envsync.errors import DefinitionError
from envsync.model.text.wording import count

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def load_expected(path: Path) -> tuple[Any, ...]:
    """Return the answers in the file *path*, a line of JSON each.

    Raises:
        DefinitionError: it can't be read, or holds something else.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        message = f"Cannot read expected answers `{path}`: {error.strerror or error}"
        raise DefinitionError(message, hint="write them with `--record`") from error
    except UnicodeDecodeError as error:
        raise DefinitionError(f"Expected answers `{path}` are not UTF-8: {error}") from error
    try:
        return tuple(json.loads(line) for line in lines if line.strip())
    except ValueError as error:
        message = f"Expected answers `{path}` are not a line of JSON each: {error}"
        raise DefinitionError(message, hint="write them with `--record`") from error


def find_differences(expected: Any, actual: Any, *, tolerance: float) -> Iterator[str]:
    """Yield where *actual* differs from *expected*, with the path to it.

    Numbers may differ by *tolerance*, relative to the larger one, or absolute near zero.
    """
    yield from _differences(expected, actual, tolerance, "$")


def _differences(expected: Any, actual: Any, tolerance: float, path: str) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        yield from _dict_differences(expected, actual, tolerance, path)
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            yield f"`{path}` has {count(len(actual), 'item')}, expected {len(expected)}"
        for at, (one, other) in enumerate(zip(expected, actual, strict=False)):
            yield from _differences(one, other, tolerance, f"{path}[{at}]")
    elif not _is_same(expected, actual, tolerance):
        yield f"`{path}` is {_short(actual)}, expected {_short(expected)}"


def _dict_differences(
    expected: dict[str, Any], actual: dict[str, Any], tolerance: float, path: str
) -> Iterator[str]:
    for key in sorted(expected.keys() - actual.keys()):
        yield f"`{path}.{key}` is missing"
    for key in sorted(actual.keys() - expected.keys()):
        yield f"`{path}.{key}` is {_short(actual[key])}, expected nothing"
    for key, value in expected.items():
        if key in actual:
            yield from _differences(value, actual[key], tolerance, f"{path}.{key}")


def _is_same(expected: Any, actual: Any, tolerance: float) -> bool:
    numbers = int | float
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, numbers) and isinstance(actual, numbers):
        if math.isnan(expected) or math.isnan(actual):
            return math.isnan(expected) and math.isnan(actual)
        return math.isclose(expected, actual, rel_tol=tolerance, abs_tol=tolerance)
    return type(expected) is type(actual) and bool(expected == actual)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004  # a line's worth
