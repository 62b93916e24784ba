"""An image as an OCI layout: a folder of blobs with an index, which needs no daemon."""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from envsync.errors import EnvsyncError
from envsync.files import cannot_write, check_parent, make_aside, remove_left_over, write_atomically
from envsync.realise.image.blobs import hash_file
from envsync.realise.image.config import dump_json
from envsync.realise.image.manifest import (
    INDEX,
    INDEXES,
    LAYOUT_VERSION,
    MANIFEST,
    REFERENCE,
    blob_path,
    describe_bytes,
    describe_layer,
    dump_entry,
    dump_manifest,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from envsync.model.image import Layer
    from envsync.realise.image.config import ImageContent


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenLayout:
    """The digest of an image's manifest in a layout, and the blobs that were not there before.

    Nothing is *changed* where it also had all of its names.
    """

    digest: str
    copied: tuple[str, ...]
    changed: bool


def write_layout(
    directory: Path,
    image: ImageContent,
    *,
    layers: Sequence[Layer],
    references: Sequence[str],
    find_blob: Callable[[str], Path],
) -> WrittenLayout:
    """Put *image* into the layout *directory*, its *layers* compressed.

    It is called by its *references* there, in place of images that were so called; others stay.
    A new layout appears at once; in one that is there the index is written last. *find_blob*
    gives the file that has a digest. One process writes into a layout at a time.

    Raises:
        EnvsyncError: *directory* is something else, or can't be written.
    """
    manifest = dump_manifest(image.config, layers)
    pieces: dict[str, bytes | Path] = {
        **{
            describe_layer(layer).digest: find_blob(describe_layer(layer).digest)
            for layer in layers
        },
        image.id: image.config,
        describe_bytes(manifest, MANIFEST).digest: manifest,
    }
    entries = [
        dump_entry(manifest, image.config, annotations={REFERENCE: reference})
        for reference in dict.fromkeys(references)
    ]
    try:
        if is_layout(directory):
            is_known = _has_all(directory, entries)
            copied = _fill(directory, pieces, entries)
            _remove_unused(directory)
        else:
            is_known = False
            copied = _make(directory, pieces, entries)
    except OSError as error:
        raise cannot_write(directory, error) from error
    changed = not is_known or bool(copied)
    return WrittenLayout(digest=entries[0]["digest"], copied=copied, changed=changed)


def is_layout(directory: Path) -> bool:
    """Say whether *directory* is an OCI layout."""
    return (directory / "oci-layout").is_file() and (directory / "index.json").is_file()


def check_place(directory: Path) -> None:
    """Refuse *directory* where it is something else than a layout or an empty folder.

    Raises:
        EnvsyncError: it is, or can't be made.
    """
    if is_layout(directory):
        return
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise EnvsyncError(
            f"`{directory}` is there and is not an OCI layout", hint="name another folder"
        )
    check_parent(directory)


def load_index(directory: Path) -> dict[str, Any]:
    """Return the index of the layout *directory*.

    Raises:
        EnvsyncError: it can't be read.
    """
    path = directory / "index.json"
    try:
        index = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise EnvsyncError(f"`{path}` is not the index of an OCI layout") from error
    if not isinstance(index, dict):
        raise EnvsyncError(f"`{path}` is not the index of an OCI layout")
    return index


def _make(
    directory: Path, pieces: dict[str, bytes | Path], entries: Sequence[dict[str, Any]]
) -> tuple[str, ...]:
    """Make a new layout beside its place, and move it there."""
    check_place(directory)
    remove_left_over(directory)
    with make_aside(directory, folder=True) as made:
        copied = _fill(made, pieces, entries)
        made.chmod(0o755)
        made.rename(directory)  # in place of an empty one, too
    return copied


def _fill(
    directory: Path, pieces: dict[str, bytes | Path], entries: Sequence[dict[str, Any]]
) -> tuple[str, ...]:
    (directory / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
    copied = []
    right = _find_right(directory, pieces)
    for digest, piece in pieces.items():
        path = directory / blob_path(digest)
        if digest in right:
            continue
        if isinstance(piece, bytes):
            write_atomically(path, piece)
        else:
            _copy(piece, path)
        copied.append(digest)
    names = {entry["annotations"][REFERENCE] for entry in entries}
    others = _list_others(directory, names) if (directory / "index.json").exists() else []
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*others, *entries]}
    write_atomically(directory / "oci-layout", dump_json(LAYOUT_VERSION))
    write_atomically(directory / "index.json", dump_json(index))
    return tuple(copied)


def _find_right(directory: Path, digests: Iterable[str]) -> set[str]:
    """Return those of *digests* whose blobs are in *directory*, unharmed."""
    there = [it for it in digests if (directory / blob_path(it)).is_file()]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        found = pool.map(hash_file, (directory / blob_path(it) for it in there))
        return {digest for digest, hashed in zip(there, found, strict=True) if digest == hashed}


def _copy(source: Path, target: Path) -> None:
    with make_aside(target) as aside:
        shutil.copyfile(source, aside)
        aside.chmod(0o644)
        aside.replace(target)


def _list_others(directory: Path, names: set[str]) -> list[dict[str, Any]]:
    """Return what the index of *directory* has under other names, or none."""
    entries = load_index(directory).get("manifests") or []
    return [it for it in entries if (it.get("annotations") or {}).get(REFERENCE) not in names]


def _has_all(directory: Path, entries: Sequence[dict[str, Any]]) -> bool:
    there = load_index(directory).get("manifests") or []
    return all(entry in there for entry in entries)


def _remove_unused(directory: Path) -> None:
    """Remove the blobs that no image of the layout has any more."""
    used: set[str] = set()
    for entry in load_index(directory)["manifests"]:
        used.update(_list_used(directory, entry))
    for path in (directory / "blobs" / "sha256").iterdir():
        if f"sha256:{path.name}" not in used:
            path.unlink()


def _list_used(directory: Path, entry: dict[str, Any]) -> Iterator[str]:
    yield entry["digest"]
    path = directory / blob_path(entry["digest"])
    if not path.is_file():
        return
    content = json.loads(path.read_bytes())
    if entry.get("mediaType") in INDEXES or "manifests" in content:
        for child in content["manifests"]:
            yield from _list_used(directory, child)
    else:
        parts = [content.get("config") or {}, *(content.get("layers") or ())]
        yield from (part["digest"] for part in parts if "digest" in part)
