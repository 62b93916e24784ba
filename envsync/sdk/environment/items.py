"""Lists of packages, options and channels, whose items are compared by a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.sdk.environment.package_text import names_no_version

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable


def put_item(
    items: tuple[str, ...], text: str, key_of: Callable[[str], Hashable]
) -> tuple[str, ...]:
    """Return *items* with *text* in place of the items with the same key, or at the end.

    A bare name does not replace an item that asks for a version.
    """
    key = key_of(text)
    same = [i for i, item in enumerate(items) if key_of(item) == key]
    if not same:
        return (*items, text)
    if names_no_version(text):
        return items
    return tuple(
        text if i == same[0] else item for i, item in enumerate(items) if i not in same[1:]
    )


def drop_items(
    items: tuple[str, ...], key: Hashable, key_of: Callable[[str], Hashable]
) -> tuple[str, ...]:
    """Return *items* without those that have *key*."""
    return tuple(item for item in items if key_of(item) != key)


def check_list(given: Iterable[str]) -> Iterable[str]:
    """Return *given*, unless it is one text, whose letters would be read as packages.

    Raises:
        DefinitionError: it is one text.
    """
    if isinstance(given, str):
        raise DefinitionError(
            "One text where a list of packages should be", hint="put it in a list"
        )
    return given
