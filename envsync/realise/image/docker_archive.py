"""An image as the archive that `docker save` writes and `docker load` reads."""

from __future__ import annotations

import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.files import check_parent
from envsync.realise.image.blobs import hash_file
from envsync.realise.image.config import dump_json
from envsync.realise.image.tar import END, Member, dump_header, padding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from envsync.model.image import Layer
    from envsync.realise.image.config import ImageContent


def dump_archive(
    image: ImageContent,
    tags: Sequence[str],
    *,
    layers: Sequence[Layer],
    open_layer: Callable[[Layer], Iterator[bytes]],
) -> Iterator[bytes]:
    """Give the bytes of the archive of *image* under *tags*, with those *layers* of it.

    *layers* have their sizes. An engine that has the others needs no more than their names.
    """
    for name, content in _list_small(image, tags):
        yield dump_header(Member(path=name, kind="file", size=len(content)))
        yield content
        yield padding(len(content))
    for layer in dict.fromkeys(layers):
        yield dump_header(Member(path=_name(layer), kind="file", size=layer.size))
        yield from open_layer(layer)
        yield padding(layer.size)
    yield END


def check_place(path: Path) -> None:
    """Refuse *path* where no archive can be.

    Raises:
        EnvsyncError: it is a folder, or lies in none.
    """
    if path.is_dir():
        raise EnvsyncError(f"`{path}` is a folder", hint=f"name a file, such as `{path}/image.tar`")
    check_parent(path)


def holds_archive(path: Path, image: ImageContent, tags: Sequence[str]) -> bool:
    """Say whether *path* is an archive of *image* under *tags* that was written here, unharmed."""
    try:
        with tarfile.open(path, "r:") as archive:
            small = [(member.name, archive.extractfile(member)) for member in islice(archive, 2)]
            found = [(name, stream.read()) for name, stream in small if stream is not None]
            if found != _list_small(image, tags):
                return False
            members = archive.getmembers()[2:]
    except (OSError, tarfile.TarError):
        return False
    if {member.name for member in members} != {_name(layer) for layer in image.layers}:
        return False

    def is_right(member: tarfile.TarInfo) -> bool:
        digest = hash_file(path, start=member.offset_data, size=member.size)
        return member.name == f"{digest.removeprefix('sha256:')}.tar"

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return all(pool.map(is_right, members))


def _list_small(image: ImageContent, tags: Sequence[str]) -> list[tuple[str, bytes]]:
    config = f"{image.id.removeprefix('sha256:')}.json"
    manifest = {
        "Config": config,
        "Layers": [_name(layer) for layer in image.layers],
        "RepoTags": list(tags),
    }
    return [("manifest.json", dump_json([manifest])), (config, image.config)]


def _name(layer: Layer) -> str:
    return f"{layer.diff_id.removeprefix('sha256:')}.tar"
