"""The conda environment in an image, as its layers have it; nothing of it is run."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.files import make_temporary
from envsync.image.content.tree import find_prefixes, read_tree, write_metadata
from envsync.model.subdir import current_subdir, find_subdir
from envsync.package.claims import list_claims
from envsync.package.installed import list_installed
from envsync.workflow.image.assembly import open_cache
from envsync.workflow.image.base import find_image
from envsync.workflow.image.docker import LazyDocker
from envsync.workflow.image.project import ARCHITECTURES
from envsync.workflow.lock.base.name import find_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from envsync.image.base.base import BaseSource
    from envsync.image.content.tree import ImageMember
    from envsync.model.image import BaseImage
    from envsync.model.lockfile import LockedPackage
    from envsync.package.claims import Claim

_SAY_THE_PREFIX = ("AZUREML_CONDA_ENVIRONMENT_PATH", "CONDA_PREFIX")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageContent:
    """An environment in an image: its files, and what its own records say of them."""

    prefix: str
    subdir: str
    tree: Mapping[str, ImageMember]
    packages: tuple[LockedPackage, ...]
    claims: Mapping[str, Sequence[Claim]]


def load_content(name: str) -> ImageContent:
    """Return the environment of the image *name*: of this machine's engine, a registry or a path.

    One for this machine is preferred where there are several.

    Raises:
        DefinitionError: it is neither a path nor an image reference.
        EnvsyncError: it is out of reach, or has no environment.
    """
    with contextlib.ExitStack() as stack:
        source, image = _open(name, LazyDocker(stack))
        cache = open_cache()
        with cache.lock():
            source.fetch(image.layers, cache.blobs)
            layers = [("", cache.blobs.path(layer.diff_id)) for layer in image.layers]
            subdir = find_subdir(image.os, image.architecture) or "unknown"
            return read_content(image, layers, subdir=subdir)


def _open(name: str, docker: LazyDocker) -> tuple[BaseSource, BaseImage]:
    here = ARCHITECTURES.get(current_subdir() or "", "amd64")
    source = find_image(name, docker, architecture=here)
    try:
        return source, source.load()
    except EnvsyncError:
        if find_path(name) is None:
            raise
        for architecture in ARCHITECTURES.values():
            with contextlib.suppress(EnvsyncError):
                source = find_image(name, docker, architecture=architecture)
                return source, source.load()
        raise


def read_content(
    image: BaseImage,
    layers: Sequence[tuple[str, Path]],
    *,
    subdir: str,
    prefix: str | None = None,
    likely: str | None = None,
) -> ImageContent:
    """Return the environment of *image*, whose *layers* are names and plain tars.

    It lies at *prefix*; if that is not given, where it is *likely*, where the image's variables
    say, or it is the only one that there is.

    Raises:
        EnvsyncError: there is none, or a record of it can't be read.
    """
    there = find_prefixes(path for _, path in layers)
    place = _choose(there, image, likely) if prefix is None else _find(there, image, prefix)
    tree = read_tree(layers, place)
    with make_temporary() as temporary:
        folder = temporary / "records"
        write_metadata(tree, folder)
        try:
            return ImageContent(
                prefix=place,
                subdir=subdir,
                tree=tree,
                packages=list_installed(folder, subdir),
                claims=list_claims(folder),
            )
        except EnvsyncError as error:
            message = error.message.replace(str(folder), f"{image.name}: {place}")
            raise EnvsyncError(message, hint=error.hint) from error


def _find(there: Sequence[str], image: BaseImage, prefix: str) -> str:
    found = f"/{prefix.strip('/')}"
    if found in there:
        return found
    raise EnvsyncError(
        f"Image `{image.name}` has no conda environment at `{prefix}`",
        hint=f"it has {_join(there)}" if there else None,
    )


def _choose(there: Sequence[str], image: BaseImage, likely: str | None) -> str:
    entries = (entry.partition("=") for entry in image.settings.environment)
    variables = {name: value for name, _, value in entries}
    named = (variables[name] for name in _SAY_THE_PREFIX if name in variables)
    for place in (likely, *named, *(there if len(there) == 1 else ())):
        if place is not None and place.rstrip("/") in there:
            return place.rstrip("/")
    if not there:
        raise EnvsyncError(f"Image `{image.name}` has no conda environment")
    raise EnvsyncError(
        f"Image `{image.name}` has several conda environments, and does not say which counts: "
        + _join(there),
        hint="say it in the image's variable `CONDA_PREFIX`, or to `envsync verify` by `--prefix`",
    )


def _join(prefixes: Sequence[str]) -> str:
    return ", ".join(f"`{prefix}`" for prefix in prefixes)
