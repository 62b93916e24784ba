"""Building layers from packages: staged without being run, read, and removed."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from packaging.utils import canonicalize_name

from envsync.errors import EnvsyncError
from envsync.image.packages.conda_files import (
    list_conda_claims,
    list_conda_files,
    list_holders,
    load_records,
)
from envsync.image.packages.pip_files import PipPlace, list_pip_files
from envsync.image.packages.recipe import write_recipes
from envsync.lock.formats.pylock import is_wheel
from envsync.model.subdir import current_subdir
from envsync.model.text.wording import count
from envsync.package.owners import find_crossing, rank_owner
from envsync.package.pip_record import find_infos, read_record
from envsync.package.python import find_python, is_noarch, python_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from envsync.image.packages.recipe import Recipe
    from envsync.image.store.files import ImageFile
    from envsync.image.store.layer_cache import LayerCache
    from envsync.model.lockfile import LockedPackage
    from envsync.model.progress import Reporter
    from envsync.package.installers import CondaInstaller


class PipUnpacker(Protocol):
    """Unpacks pip packages for any platform and Python."""

    def unpack(
        self,
        packages: Sequence[LockedPackage],
        *,
        target: Path,
        python_version: str,
        python: Path | None = None,
    ) -> Path:
        """Unpack *packages* into the new environment *target*; return its `site-packages`.

        Source distributions are built, with *python* if given.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class Stagers:
    """The installers that stage packages."""

    conda: CondaInstaller
    pip: PipUnpacker


class LayerMaker:
    """Builds the layers of an environment of *packages* and adds them to *cache*.

    The caller holds the cache's lock.
    """

    def __init__(
        self,
        packages: Sequence[LockedPackage],
        *,
        cache: LayerCache,
        stagers: Stagers,
        reporter: Reporter,
    ) -> None:
        self._packages = packages
        self._cache = cache
        self._stagers = stagers
        self._reporter = reporter

    def add(self, recipes: Sequence[Recipe]) -> None:
        """Build the layers of *recipes*; when one fails, those before it are kept."""
        with self._cache.make_folder() as folder:
            if conda := [recipe for recipe in recipes if recipe.package.manager == "conda"]:
                self._add_conda(conda, folder / "conda")
            if pip := [recipe for recipe in recipes if recipe.package.manager == "pip"]:
                self._add_pip(pip, folder)

    def find_winners(self, clobbered: Mapping[str, Sequence[Recipe]]) -> dict[str, Recipe]:
        """Return the package that has each of the *clobbered* paths in a prefix of all packages.

        Between conda packages, a staged prefix decides; otherwise `rank_owner` does.
        """
        winners = {
            path: max(recipes, key=lambda recipe: rank_owner(recipe.package))
            for path, recipes in clobbered.items()
        }
        disputed = {path: it for path, it in winners.items() if it.package.manager == "conda"}
        if not disputed:
            return winners
        prefix = next(iter(disputed.values())).prefix
        recipes = write_recipes(self._packages, prefix=prefix, requested={})
        with self._cache.make_folder() as folder:
            staged = folder / "conda"
            self.stage_conda([it for it in recipes if it.package.manager == "conda"], staged)
            holders = list_holders(load_records(staged), prefix=prefix)
        for path in disputed:
            by_name = {recipe.package.name: recipe for recipe in clobbered[path]}
            winners[path] = by_name.get(holders.get(path, ""), winners[path])
        return winners

    def stage_conda(self, recipes: Sequence[Recipe], target: Path) -> None:
        """Link the conda packages of *recipes* into the new folder *target*, and nothing else."""
        target.mkdir()
        packages = [recipe.package for recipe in recipes]
        python = find_python(self._packages)
        if python is not None and python not in packages and any(map(is_noarch, packages)):
            packages.append(python)  # it decides where noarch packages go
        self._reporter.step("Staging conda packages", total=len(packages))
        self._stagers.conda.install(
            packages,
            target=target,
            prefix=Path(recipes[0].prefix),
            requested=[recipe.requested for recipe in recipes if recipe.requested],
            reporter=self._reporter,
        )

    def _add_conda(self, recipes: Sequence[Recipe], staged: Path) -> None:
        self.stage_conda(recipes, staged)
        records = load_records(staged)
        claims = {recipe: list_conda_claims(records[recipe.package.name]) for recipe in recipes}
        places = dict.fromkeys(recipes, staged)
        for index, recipe in enumerate(find_crossing(claims)):
            places[recipe] = staged.with_name(f"{staged.name}-{index}")
            self.stage_conda([recipe], places[recipe])  # beside the others it may be incomplete

        def list_files(recipe: Recipe) -> Sequence[ImageFile]:
            place = places[recipe]
            known = records if place is staged else load_records(place)
            record = known[recipe.package.name]
            return list_conda_files(record, staged=place, prefix=recipe.prefix)

        self._write(recipes, list_files)

    def _add_pip(self, recipes: Sequence[Recipe], folder: Path) -> None:
        builder = self._stage_builder(recipes, folder / "builder")
        self._reporter.step(f"Staging {count(len(recipes), 'pip package')}")
        together = folder / "pip"
        staged = self._unpack(recipes, together, builder)
        claims = Counter(row.path for info in staged.values() for row in read_record(info))
        places = dict.fromkeys(staged, together)
        for index, recipe in enumerate(recipes):
            name = recipe.package.name
            if any(claims[row.path] > 1 for row in read_record(staged[name])):
                places[name] = folder / f"pip-{index}"  # another package's file may be there
                staged[name] = self._unpack([recipe], places[name], builder)[name]

        def list_files(recipe: Recipe) -> Sequence[ImageFile]:
            name = recipe.package.name
            place = PipPlace(prefix=recipe.prefix, python=recipe.python)
            return list_pip_files(staged[name], unpacked=places[name], place=place)

        self._write(recipes, list_files)

    def _stage_builder(self, recipes: Sequence[Recipe], target: Path) -> Path | None:
        """Stage the image's own Python in *target* if there is source code and it runs here.

        Builds of another Python fit the image only if they fit every Python.
        """
        is_source = any(not is_wheel(recipe.package.url) for recipe in recipes)
        if not is_source or recipes[0].package.subdir != current_subdir():
            return None
        packages = [package for package in self._packages if package.manager == "conda"]
        self._reporter.step("Staging a Python to build with", total=len(packages))
        target.mkdir()
        self._stagers.conda.install(
            packages, target=target, prefix=target, requested=(), reporter=self._reporter
        )
        return python_path(target)

    def _unpack(
        self, recipes: Sequence[Recipe], target: Path, builder: Path | None
    ) -> dict[str, Path]:
        """Unpack the packages of *recipes* into *target*; return their metadata by name."""
        python = find_python(self._packages)
        if python is None:
            raise EnvsyncError(
                "The lockfile has pip packages and no Python to install them for",
                hint="add `python=3.11` (or the version you need) to the conda dependencies",
            )
        packages = [recipe.package for recipe in recipes]
        site_packages = self._stagers.pip.unpack(
            packages, target=target, python_version=python.version, python=builder
        )
        known = find_infos(site_packages)
        found = {}
        for package in packages:
            info = known.get(canonicalize_name(package.name))
            if info is None:
                raise EnvsyncError(f"`{package.url}` holds no package called `{package.name}`")
            found[package.name] = info
        return found

    def _write(
        self, recipes: Sequence[Recipe], list_files: Callable[[Recipe], Sequence[ImageFile]]
    ) -> None:
        self._reporter.step("Writing layers", total=len(recipes))

        def write(recipe: Recipe) -> None:
            self._cache.add(recipe.key, list_files(recipe), created_by=recipe.title)

        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            for _ in pool.map(write, recipes):
                self._reporter.advance()
