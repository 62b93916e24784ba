"""Comparing the files of an image with those that its lock leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.package.claims import is_compiled
from envsync.package.comparison import FileDifference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envsync.image.content.tree import ImageMember


def compare_trees(
    expected: Mapping[str, ImageMember], found: Mapping[str, ImageMember]
) -> tuple[FileDifference, ...]:
    """Return how *found* differs from *expected*; the layer of a file names its package.

    Modules that were compiled later do not count as added.
    """
    differences = []
    for path, member in sorted(expected.items()):
        other = found.get(path)
        if other is None:
            differences.append(FileDifference(path=path, problem="missing", package=member.layer))
        elif (other.found, other.mode) != (member.found, member.mode):
            differences.append(FileDifference(path=path, problem="changed", package=member.layer))
    differences += [
        FileDifference(path=path, problem="added", package=member.layer)
        for path, member in sorted(found.items())
        if path not in expected and not is_compiled(path)
    ]
    return tuple(differences)
