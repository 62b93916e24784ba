"""The conda environment in an image, as its layers have it; nothing of it is run."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.realise.claims import list_claims
from envsync.realise.image.tree import find_prefixes, read_tree, write_metadata
from envsync.realise.installed import list_installed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envsync.model.image import BaseImage
    from envsync.model.lockfile import LockedPackage
    from envsync.realise.claims import Claim
    from envsync.realise.image.tree import ImageMember

_SAY_THE_PREFIX = ("AZUREML_CONDA_ENVIRONMENT_PATH", "CONDA_PREFIX")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageContent:
    """An environment in an image: its files, and what its own records say of them."""

    prefix: str
    tree: Mapping[str, ImageMember]
    packages: tuple[LockedPackage, ...]
    claims: Mapping[str, Sequence[Claim]]


def read_content(
    image: BaseImage, layers: Sequence[tuple[str, Path]], *, subdir: str, prefixes: Sequence[str]
) -> ImageContent:
    """Return the environment of *image*, whose *layers* are names and plain tars.

    It is looked for at *prefixes* first, then where the image's variables say; then it is the
    only one that there is.

    Raises:
        EnvsyncError: there is none, or a record of it can't be read.
    """
    prefix = _choose_prefix(image, [path for _, path in layers], prefixes)
    tree = read_tree(layers, prefix)
    with tempfile.TemporaryDirectory(prefix="envsync-") as name:
        folder = Path(name, "records")
        write_metadata(tree, folder)
        try:
            return ImageContent(
                prefix=prefix,
                tree=tree,
                packages=list_installed(folder, subdir),
                claims=list_claims(folder),
            )
        except EnvsyncError as error:
            message = error.message.replace(str(folder), f"{image.name}: {prefix}")
            raise EnvsyncError(message, hint=error.hint) from error


def _choose_prefix(image: BaseImage, layers: Sequence[Path], asked: Sequence[str]) -> str:
    there = find_prefixes(layers)
    variables: dict[str, str] = dict(
        entry.partition("=")[::2] for entry in image.settings.environment
    )
    named = [variables[name] for name in _SAY_THE_PREFIX if name in variables]
    candidates: list[str] = [*asked, *named, *(there if len(there) == 1 else ())]
    for prefix in candidates:
        if prefix.rstrip("/") in there:
            return prefix.rstrip("/")
    if not there:
        raise EnvsyncError(f"Image `{image.name}` has no conda environment")
    listed = ", ".join(f"`{prefix}`" for prefix in there)
    raise EnvsyncError(
        f"Image `{image.name}` has no environment at `{asked[0]}`",
        hint=f"name one with `--prefix`: it has {listed}",
    )
