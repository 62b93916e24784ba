"""Providing the bytes of an image's layers on demand."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from envsync.model.digest import DIGEST
from envsync.model.image import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from envsync.image.base.base import BaseSource
    from envsync.image.packages.environment import EnvironmentLayer, EnvironmentLayers
    from envsync.image.store.layer_cache import LayerCache
    from envsync.model.digest import Digest
    from envsync.model.image import Layer
    from envsync.model.progress import Reporter


class LayerProvider:
    """Provides the layers of an image in *cache*: fetched from *base*, or built if needed."""

    def __init__(
        self,
        environment: EnvironmentLayers | None,
        made: Sequence[EnvironmentLayer],
        *,
        base: BaseSource,
        cache: LayerCache,
        reporter: Reporter,
    ) -> None:
        self._environment = environment
        self._made = {each.layer.diff_id: each for each in made}
        self._base = base
        self._cache = cache
        self._reporter = reporter

    def provide_plain(self, layers: Iterable[Layer]) -> None:
        """Put the plain tar of each of *layers* into the cache."""
        missing = [layer for layer in layers if not self._cache.blobs.find(layer.diff_id)]
        own = [self._made[layer.diff_id] for layer in missing if layer.diff_id in self._made]
        of_the_base = [layer for layer in missing if layer.diff_id not in self._made]
        if own and self._environment is not None:
            self._environment.ensure(own)
        if of_the_base:
            self._reporter.step("Fetching layers of the base image", total=len(of_the_base))
            self._base.fetch(of_the_base, self._cache.blobs)

    def measure(self, layers: Iterable[Layer]) -> tuple[Layer, ...]:
        """Return *layers*, whose plain tars are in the cache, with their sizes."""
        return tuple(
            replace(layer, size=self._cache.blobs.path(layer.diff_id).stat().st_size)
            for layer in layers
        )

    def compress(self, layers: Sequence[Layer]) -> tuple[Layer, ...]:
        """Return *layers* with a compressed form; the base's keep theirs if they have one."""
        plain = [layer for layer in layers if layer.digest is None]
        missing = [layer for layer in plain if not self._cache.is_compressed(layer)]
        self.provide_plain(missing)
        if missing:
            self._reporter.step("Compressing layers", total=len(missing))

        def pack(layer: Layer) -> None:
            self._cache.compress(layer)
            self._reporter.advance()

        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            list(pool.map(pack, missing))
        packed = {layer: self._cache.compress(layer) for layer in plain}
        return tuple(packed.get(layer, layer) for layer in layers)

    def provide_compressed(self, layers: Sequence[Layer]) -> None:
        """Put the compressed form of each of *layers*, from `compress`, into the cache."""
        missing = [it for it in layers if it.digest and not self._cache.blobs.find(it.digest)]
        if missing:
            self._reporter.step("Fetching layers of the base image", total=len(missing))
            self._base.fetch_compressed(missing, self._cache.blobs)

    def list_repositories(self, registry: str) -> dict[str, str]:
        """Return the repositories of *registry* that blobs were pushed to, by digest."""
        found = self._cache.pushed.read(_file_name(registry))
        pairs = found.items() if isinstance(found, dict) else ()
        return {key: value for key, value in pairs if _is_pushed(key, value)}

    def note_repository(self, registry: str, repository: str, digests: Iterable[str]) -> None:
        """Record that *registry* has blobs in *repository*."""
        with self._cache.lock():
            known = {**self.list_repositories(registry), **dict.fromkeys(digests, repository)}
            self._cache.pushed.write(_file_name(registry), known)

    def path(self, digest: Digest) -> Path:
        """Return the file of *digest*."""
        return self._cache.blobs.path(digest)


def _is_pushed(digest: str, repository: object) -> bool:
    is_repository = isinstance(repository, str) and REPOSITORY.fullmatch(repository) is not None
    return is_repository and DIGEST.fullmatch(digest) is not None


def _file_name(registry: str) -> str:
    return registry.replace(":", "-")
