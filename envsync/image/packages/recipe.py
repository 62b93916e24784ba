"""Recipes of packages' layers: equal recipes give equal bytes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from envsync.files.hashing import hash_json
from envsync.package.python import find_python_folder, is_noarch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envsync.model.lockfile import LockedPackage

ENVIRONMENTS = "/azureml-envs"  # as in Azure ML's own images

_FORMAT = 2  # increases when the same recipe gives other bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """One package, and what else determines its bytes in an image.

    *python* is the folder of the environment's Python, such as `python3.11`, for packages that go
    there. *requested* is the definition's match spec for it, which conda records.
    """

    package: LockedPackage
    prefix: str
    python: str = ""
    requested: str = ""

    @property
    def key(self) -> str:
        """The sha256 of the recipe."""
        content = [_FORMAT, asdict(self.package), self.prefix, self.python, self.requested]
        return hash_json(content)

    @property
    def title(self) -> str:
        """The package, as an image's history names it."""
        build = f" {self.package.build}" if self.package.build else ""
        return f"{self.package.manager} {self.package}{build}"


def write_recipes(
    packages: Sequence[LockedPackage], *, prefix: str, requested: Mapping[str, str]
) -> tuple[Recipe, ...]:
    """Return the recipes of *packages*; *requested* has match specs by name."""
    python = find_python_folder(packages)
    return tuple(
        Recipe(
            package=package,
            prefix=prefix,
            python=python if package.manager == "pip" or is_noarch(package) else "",
            requested=requested.get(package.name, "") if package.manager == "conda" else "",
        )
        for package in packages
    )
