"""The layers of an environment: one for each package while there is room, and conda's files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.files.hashing import hash_json
from envsync.image.packages.arrangement import PackageLayer, arrange
from envsync.image.packages.elf import find_loader
from envsync.image.packages.recipe import write_recipes
from envsync.image.packages.staging import LayerMaker
from envsync.image.store.files import ImageFile, pick_files
from envsync.package.activation import Activation, is_for_activation, read_activation
from envsync.package.owners import find_clobbers, find_overshadowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from envsync.image.packages.recipe import Recipe
    from envsync.image.packages.staging import Stagers
    from envsync.image.store.layer_cache import LayerCache
    from envsync.model.image import Layer
    from envsync.model.lockfile import LockedPackage
    from envsync.model.progress import Reporter

_OTHERS = 2  # layers beside the packages': conda's own files, and clobbered files


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageEnvironment:
    """Everything that determines the layers of an environment at *prefix*.

    *requested* has the definition's match specs by name, *requested_pip* the names of its pip
    requirements. There are at most *budget* layers.
    """

    prefix: str
    packages: tuple[LockedPackage, ...]
    budget: int
    requested: Mapping[str, str] = field(default_factory=dict)
    requested_pip: frozenset[str] = frozenset()
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Contents:
    """The source of a layer: several packages' layers, one package, or *files*."""

    key: str
    title: str
    recipes: tuple[Recipe, ...] = ()
    files: tuple[ImageFile, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentLayer:
    """A layer of an environment, and its source."""

    layer: Layer
    contents: _Contents


class EnvironmentLayers:
    """Builds the layers of *environment*, or takes them from *cache*.

    *load_stagers* is called when a package must be staged for the first time.
    """

    def __init__(
        self,
        environment: ImageEnvironment,
        *,
        cache: LayerCache,
        load_stagers: Callable[[], Stagers],
        reporter: Reporter,
    ) -> None:
        self._environment = environment
        self._cache = cache
        self._load_stagers = load_stagers
        self._reporter = reporter
        self._recipes = write_recipes(
            environment.packages, prefix=environment.prefix, requested=environment.requested
        )

    def make(self) -> tuple[EnvironmentLayer, ...]:
        """Return the layers, the lowest first; unknown ones are built."""
        environment = self._environment
        recipes = self._recipes
        with self._cache.lock():
            self._cache.clean()
            self._stage([recipe for recipe in recipes if self._cache.find(recipe.key) is None])
            packages = [self._weigh(recipe) for recipe in recipes]
            arranged = arrange(packages, budget=environment.budget - _OTHERS)
            ordered = tuple(part.recipe for parts in arranged for part in parts)
            contents = (
                self._write_foundation(),
                *(_share(tuple(part.recipe for part in parts)) for parts in arranged),
                *self._settle(ordered),
            )
            return tuple(
                EnvironmentLayer(
                    contents=each, layer=self._cache.find(each.key) or self._produce(each)
                )
                for each in contents
            )

    def ensure(self, layers: Iterable[EnvironmentLayer]) -> None:
        """Rebuild those of *layers* whose blobs are missing or were changed.

        Raises:
            EnvsyncError: one has other bytes now.
        """
        with self._cache.lock():
            missing = [each for each in layers if not self._cache.blobs.find(each.layer.diff_id)]
            self._provide([recipe for each in missing for recipe in each.contents.recipes])
            for each in missing:
                if self._produce(each.contents) != each.layer:
                    raise EnvsyncError(
                        f"The layer of `{each.contents.title}` has other bytes than before",
                        hint=f"remove `{self._cache.root}` and run this again",
                    )

    def read_activation(self, environment: Mapping[str, str]) -> Activation:
        """Return what activation would set in an image with *environment*; call `make` first."""
        paths = {recipe: self._cache.list_paths(recipe.key) for recipe in self._recipes}
        scripts = {
            recipe: found
            for recipe, owned in paths.items()
            if (found := [path for path in owned if is_for_activation(path)])
        }
        if not scripts:
            return Activation()
        with self._cache.lock():
            self._provide(list(scripts))
            files = {
                file.path: file.content or b""
                for recipe, found in scripts.items()
                for file in pick_files(self._blob(recipe), found)
            }
        known = {path for owned in paths.values() for path in owned}
        known |= {str(parent) for path in known for parent in PurePosixPath(path).parents}
        return read_activation(files, environment=environment, exists=known.__contains__)

    def find_missing_loaders(self) -> dict[str, str]:
        """Return the programs whose loaders are not in the environment; call `make` first.

        On the empty base image, these programs would not start.
        """
        folder = f"{self._environment.prefix}/bin/"
        missing: dict[str, str] = {}
        with self._cache.lock():
            owned = {recipe: self._cache.list_paths(recipe.key) for recipe in self._recipes}
            known = {path for paths in owned.values() for path in paths}
            self._provide(list(owned))
            for recipe, paths in owned.items():
                programs = [path for path in paths if path.startswith(folder)]
                for file in pick_files(self._blob(recipe), programs):
                    loader = find_loader(file.content or b"")
                    if loader is not None and loader not in known:
                        missing[file.path] = loader
        return missing

    def _blob(self, recipe: Recipe) -> Path:
        return self._cache.blobs.path(self._cache.get(recipe.key).diff_id)

    def _weigh(self, recipe: Recipe) -> PackageLayer:
        named = recipe.package.name in self._environment.requested_pip
        asked_for = bool(recipe.requested) if recipe.package.manager == "conda" else named
        layer = self._cache.get(recipe.key)
        return PackageLayer(recipe=recipe, layer=layer, is_requested=asked_for)

    def _produce(self, contents: _Contents) -> Layer:
        """Build the layer of *contents*, unless it is that of one package, which exists by now."""
        if contents.files:
            return self._cache.add(contents.key, contents.files, created_by=contents.title)
        if len(contents.recipes) > 1:
            self._provide(contents.recipes)
            parts = [self._cache.get(recipe.key) for recipe in contents.recipes]
            return self._cache.join(contents.key, parts, created_by=contents.title)
        return self._cache.get(contents.key)

    def _provide(self, recipes: Sequence[Recipe]) -> None:
        self._stage(
            [
                recipe
                for recipe in dict.fromkeys(recipes)
                if not (layer := self._cache.find(recipe.key))
                or not self._cache.blobs.find(layer.diff_id)
            ]
        )

    def _stage(self, recipes: Sequence[Recipe]) -> None:
        if recipes:
            self._maker().add(recipes)

    def _maker(self) -> LayerMaker:
        return LayerMaker(
            self._environment.packages,
            cache=self._cache,
            stagers=self._load_stagers(),
            reporter=self._reporter,
        )

    def _write_foundation(self) -> _Contents:
        """Return the files by which conda recognizes the environment, and its variables."""
        meta = f"{self._environment.prefix}/conda-meta"
        files = [ImageFile(path=f"{meta}/history", content=b"")]
        if variables := dict(self._environment.variables):
            state = json.dumps({"env_vars": variables, "version": 1}).encode() + b"\n"
            files.append(ImageFile(path=f"{meta}/state", content=state))
        key = hash_json(["foundation", [(file.path, str(file.content)) for file in files]])
        return _Contents(key=key, title="conda's own files", files=tuple(files))

    def _settle(self, ordered: Sequence[Recipe]) -> tuple[_Contents, ...]:
        """Return the layer that restores files which the wrong package would have, if any."""
        claims = {recipe: self._cache.list_paths(recipe.key) for recipe in ordered}
        clobbered, overshadowed = find_clobbers(claims), find_overshadowed(claims)
        if not clobbered and not overshadowed:
            return ()
        key = hash_json(["clobbers", [recipe.key for recipe in ordered]])
        title = "files that several packages have"
        known = self._cache.find(key)
        if known is not None and self._cache.blobs.find(known.diff_id) is not None:
            return (_Contents(key=key, title=title),)
        winners = {**overshadowed, **self._maker().find_winners(clobbered)}
        self._provide(list(winners.values()))
        files = [
            file
            for recipe in dict.fromkeys(winners.values())
            for file in pick_files(
                self._blob(recipe), [path for path, winner in winners.items() if winner == recipe]
            )
        ]
        return (_Contents(key=key, title=title, files=tuple(files)),)


def _share(recipes: tuple[Recipe, ...]) -> _Contents:
    if len(recipes) == 1:
        return _Contents(key=recipes[0].key, title=recipes[0].title, recipes=recipes)
    key = hash_json(["group", [recipe.key for recipe in recipes]])
    return _Contents(key=key, title=f"{len(recipes)} small packages", recipes=recipes)
