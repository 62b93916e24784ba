"""An image as the archive that `docker save` writes and `docker load` reads."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.files import check_parent
from envsync.files.hashing import hash_bytes, hash_file
from envsync.image.formats.archive import ArchiveError, open_archive
from envsync.image.formats.config import dump_json
from envsync.image.formats.manifest import (
    INDEX,
    LAYOUT_VERSION,
    REFERENCE,
    blob_path,
    dump_entry,
    dump_manifest,
)
from envsync.image.store.tar import END, Member, dump_header, padding
from envsync.model.image import parse_reference

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from envsync.image.formats.config import ImageContent
    from envsync.model.image import Layer


def dump_archive(
    image: ImageContent,
    tags: Sequence[str],
    *,
    layers: Sequence[Layer],
    open_layer: Callable[[Layer], Iterator[bytes]],
    manifest: bytes | None = None,
) -> Iterator[bytes]:
    """Yield the bytes of the archive of *image* with *tags* and only those *layers*.

    *layers* have their sizes. An engine that has the other layers needs only their names. With a
    *manifest*, that of the plain layers, it is also an OCI layout, as containerd's store needs.
    """
    small = _list_small(image, tags)
    small += _list_oci(image, manifest, tags) if manifest is not None else []
    for name, content in small:
        yield dump_header(Member(path=name, kind="file", size=len(content)))
        yield content
        yield padding(len(content))
    for layer in dict.fromkeys(layers):
        yield dump_header(Member(path=blob_path(layer.diff_id), kind="file", size=layer.size))
        yield from open_layer(layer)
        yield padding(layer.size)
    yield END


def check_place(path: Path) -> None:
    """Refuse *path* if an archive can't be written there."""
    if path.is_dir():
        raise EnvsyncError(f"`{path}` is a folder", hint=f"name a file, such as `{path}/image.tar`")
    check_parent(path)


def holds_archive(path: Path, image: ImageContent, tags: Sequence[str]) -> bool:
    """Return whether *path* is an intact archive of *image* with *tags*, as envsync writes it."""
    try:
        with open_archive(path, is_plain=True) as archive:
            members = archive.getmembers()
            sizes = {member.name: member.size for member in members}
            layers = [
                replace(layer.plain, size=sizes[blob_path(layer.diff_id)]) for layer in image.layers
            ]
            small = _list_small(image, tags)
            small += _list_oci(image, dump_manifest(image.config, layers), tags)
            first = members[: len(small)]
            if [(it.name, it.size) for it in first] != [(name, len(it)) for name, it in small]:
                return False
            streams = [(it.name, archive.extractfile(it)) for it in first]
            if [(name, stream.read()) for name, stream in streams if stream] != small:
                return False
    except (ArchiveError, OSError, KeyError):
        return False
    blobs = members[len(small) :]
    if {member.name for member in blobs} != {blob_path(layer.diff_id) for layer in layers}:
        return False

    def is_right(member: tarfile.TarInfo) -> bool:
        digest = hash_file(path, start=member.offset_data, size=member.size)
        return member.name == blob_path(digest)

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return all(pool.map(is_right, blobs))


def _list_small(image: ImageContent, tags: Sequence[str]) -> list[tuple[str, bytes]]:
    manifest = {
        "Config": blob_path(image.id),
        "Layers": [blob_path(layer.diff_id) for layer in image.layers],
        "RepoTags": list(tags),
    }
    return [("manifest.json", dump_json([manifest])), (blob_path(image.id), image.config)]


def _list_oci(image: ImageContent, manifest: bytes, tags: Sequence[str]) -> list[tuple[str, bytes]]:
    named = [_annotate(tag) for tag in tags] or [{}]
    entries = [dump_entry(manifest, image.config, annotations=names) for names in named]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    return [
        ("oci-layout", dump_json(LAYOUT_VERSION)),
        ("index.json", dump_json(index)),
        (blob_path(hash_bytes(manifest)), manifest),
    ]


def _annotate(tag: str) -> dict[str, str]:
    """Return the annotations that name an image *tag*, for containerd and for others."""
    reference = parse_reference(tag)
    version = reference.tag or "latest"
    name = f"{reference.registry}/{reference.repository}:{version}"
    return {"io.containerd.image.name": name, REFERENCE: version}
