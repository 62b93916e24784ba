"""OCI layouts: folders of blobs with an index, which need no daemon."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from envsync.errors import EnvsyncError
from envsync.files import (
    cannot_write,
    check_parent,
    make_aside,
    read_regular,
    remove_left_over,
    write_atomically,
)
from envsync.files.hashing import hash_bytes, hash_file
from envsync.image.formats.config import dump_json
from envsync.image.formats.manifest import (
    INDEX,
    LAYOUT_VERSION,
    REFERENCE,
    blob_path,
    describe_layer,
    dump_entry,
    dump_manifest,
    list_entries,
    parse_manifest,
)
from envsync.model.digest import DIGEST, Digest, parse_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from envsync.image.formats.config import ImageContent
    from envsync.model.image import Layer

_LARGEST = 16 << 20  # bytes of a manifest or an index


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenLayout:
    """The digest of an image's manifest in a layout, and the blobs that were added.

    It is *changed* by new blobs or new names.
    """

    digest: Digest
    copied: tuple[Digest, ...]
    changed: bool


def write_layout(
    directory: Path,
    image: ImageContent,
    *,
    layers: Sequence[Layer],
    references: Sequence[str],
    find_blob: Callable[[Digest], Path],
) -> WrittenLayout:
    """Write *image* with compressed *layers* to the layout *directory*, named *references*.

    It replaces images of these names; others stay. A new layout appears at once; in an existing
    one, the index is written last. *find_blob* returns the file of a digest. Only one process may
    write to a layout at a time.

    Raises:
        EnvsyncError: *directory* is something else, can't be written, or has links for folders.
    """
    _check_folders(directory)
    manifest = dump_manifest(image.config, layers)
    pieces: dict[Digest, bytes | Path] = {
        **{
            describe_layer(layer).digest: find_blob(describe_layer(layer).digest)
            for layer in layers
        },
        image.id: image.config,
        hash_bytes(manifest): manifest,
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
    """Return whether *directory* is an OCI layout."""
    return (directory / "oci-layout").is_file() and (directory / "index.json").is_file()


def _check_folders(directory: Path) -> None:
    """Refuse links in the layout *directory*, through which files elsewhere would be removed."""
    for name in ("blobs", "blobs/sha256"):
        if (directory / name).is_symlink():
            raise EnvsyncError(
                f"`{directory / name}` is a link, and its target may have other files",
                hint="name another folder",
            )


def check_place(directory: Path) -> None:
    """Refuse *directory* unless it is a layout, an empty folder or missing."""
    if is_layout(directory):
        return
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise EnvsyncError(
            f"`{directory}` exists and is not an OCI layout", hint="name another folder"
        )
    check_parent(directory)


def load_index(directory: Path) -> dict[str, Any]:
    """Return the index of the layout *directory*."""
    path = directory / "index.json"
    try:
        return parse_manifest(read_regular(path, most=_LARGEST, follows=True))
    except (OSError, ValueError, EnvsyncError) as error:
        raise EnvsyncError(f"`{path}` is not the index of an OCI layout") from error


def _make(
    directory: Path, pieces: dict[Digest, bytes | Path], entries: Sequence[dict[str, Any]]
) -> tuple[Digest, ...]:
    check_place(directory)
    remove_left_over(directory)
    with make_aside(directory, folder=True) as made:
        copied = _fill(made, pieces, entries)
        made.chmod(0o755)
        made.rename(directory)  # also in place of an empty one
    return copied


def _fill(
    directory: Path, pieces: dict[Digest, bytes | Path], entries: Sequence[dict[str, Any]]
) -> tuple[Digest, ...]:
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


def _find_right(directory: Path, digests: Iterable[Digest]) -> set[Digest]:
    """Return those of *digests* whose blobs are intact in *directory*."""
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
    """Return the entries in the index of *directory* with other names, or none."""
    return [it for it in list_entries(load_index(directory)) if _read_name(it) not in names]


def _read_name(entry: dict[str, Any]) -> str:
    annotations = entry.get("annotations")
    name = annotations.get(REFERENCE) if isinstance(annotations, dict) else None
    return name if isinstance(name, str) else ""


def _has_all(directory: Path, entries: Sequence[dict[str, Any]]) -> bool:
    there = list_entries(load_index(directory))
    return all(entry in there for entry in entries)


def _remove_unused(directory: Path) -> None:
    used: set[str] = set()
    for entry in list_entries(load_index(directory)):
        _note_used(directory, entry, used)
    for path in (directory / "blobs" / "sha256").iterdir():
        digest = f"sha256:{path.name}"
        if DIGEST.fullmatch(digest) and digest not in used:
            path.unlink()


def _note_used(directory: Path, entry: dict[str, Any], used: set[str]) -> None:
    """Add the digests of the blobs that *entry* leads to."""
    try:
        digest = parse_digest(entry.get("digest"))
        if digest in used:
            return
        used.add(digest)
        path = directory / blob_path(digest)
        content = parse_manifest(read_regular(path, most=_LARGEST, follows=True))
    except (OSError, ValueError, EnvsyncError):
        return  # a layer, which is not JSON, or a foreign file
    for child in list_entries(content):
        _note_used(directory, child, used)
    config = content.get("config")
    parts = [*([config] if isinstance(config, dict) else []), *list_entries(content, "layers")]
    used.update(str(part.get("digest")) for part in parts)
