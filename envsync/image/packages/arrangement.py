"""The order of layers, and which packages share one.

An engine stores a layer together with all layers below it, so it loads everything above a changed
layer again. Packages that often change and load quickly are therefore at the top, large and stable
ones at the bottom.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envsync.image.packages.recipe import Recipe
    from envsync.model.image import Layer

# Docker's limit is 125, Podman's 128; the rest is for images built on this one.
MOST_LAYERS = 120

_EVERY_LAYER = 20 << 20  # loading a layer takes as long as loading so many bytes
_ASKED_FOR = 8  # a package that the definition names is so many times as likely to change
_LEAST_GROUPS = 32
_LADDER = 2  # the threshold for sharing a layer grows by this factor
_SMALLEST = 16 << 10


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageLayer:
    """A package's recipe and its layer; *is_requested* if the definition names it."""

    recipe: Recipe
    layer: Layer
    is_requested: bool = False


def arrange(
    packages: Sequence[PackageLayer], *, budget: int
) -> tuple[tuple[PackageLayer, ...], ...]:
    """Return *packages* as at most *budget* layers, the lowest first.

    Each package has its own layer while there is room. Otherwise small ones share layers. A
    package's name alone decides which one, so that a change to one package moves no other.
    """
    if len(packages) <= budget:
        return tuple((package,) for package in sorted(packages, key=_rank))
    least = _find_threshold(packages, budget - min(_LEAST_GROUPS, budget // 2))
    ranked = {_rank(package): [package] for package in packages if _weigh(package) >= least}
    groups = 1 << (budget - len(ranked)).bit_length() - 1  # a power of two seldom changes
    for package in packages:
        if _weigh(package) < least:
            rank = (0, f"group {_choose_group(package, groups):02}", "")
            ranked.setdefault(rank, []).append(package)
    return tuple(
        tuple(sorted(found, key=lambda package: package.recipe.package.name))
        for _, found in sorted(ranked.items())
    )


def _rank(package: PackageLayer) -> tuple[int, str, str]:
    """Return the rank of *package*: the most to load for an unlikely change is lowest.

    Costs are compared by magnitude, so that a small change of size moves no layer.
    """
    cost = (1 + package.layer.size / _EVERY_LAYER) / _likelihood(package)
    named = package.recipe.package
    return -math.floor(math.log2(cost)), named.name, named.manager


def _weigh(package: PackageLayer) -> int:
    return package.layer.size * _likelihood(package)


def _likelihood(package: PackageLayer) -> int:
    """Return how likely a change is; one of Python changes all other layers anyway."""
    is_asked_for = package.is_requested and package.recipe.package.name != "python"
    return _ASKED_FOR if is_asked_for else 1


def _find_threshold(packages: Sequence[PackageLayer], room: int) -> int:
    """Return the size from which packages have their own layers, one of a few fixed sizes."""
    least = _SMALLEST
    while sum(_weigh(package) >= least for package in packages) > room:
        least *= _LADDER
    return least


def _choose_group(package: PackageLayer, groups: int) -> int:
    name = hashlib.sha256(package.recipe.package.name.encode()).digest()
    return int.from_bytes(name[:4], "big") % groups
