"""What lies in an image, held against what its lock comes to, file by file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.package.claims import is_compiled
from envsync.package.comparison import FileDifference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envsync.image.content.tree import ImageMember


def compare_trees(
    expected: Mapping[str, ImageMember], found: Mapping[str, ImageMember]
) -> tuple[FileDifference, ...]:
    """Return how *found* differs from *expected*; the layer of a file tells its package.

    Modules that were compiled since do not count as added.
    """
    return tuple(_list_differences(expected, found))


def _list_differences(
    expected: Mapping[str, ImageMember], found: Mapping[str, ImageMember]
) -> Iterator[FileDifference]:
    for path, member in sorted(expected.items()):
        other = found.get(path)
        if other is None:
            yield FileDifference(path=path, problem="missing", package=member.layer)
        elif (other.found, other.mode) != (member.found, member.mode):
            yield FileDifference(path=path, problem="changed", package=member.layer)
    for path, member in sorted(found.items()):
        if path not in expected and not is_compiled(path):
            yield FileDifference(path=path, problem="added", package=member.layer)
