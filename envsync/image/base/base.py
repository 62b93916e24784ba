"""Base images: none, a file, a folder, or one from an adapter."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

from envsync.errors import EnvsyncError
from envsync.files import open_regular
from envsync.files.hashing import hash_bytes
from envsync.image.base.layer_content import read_from_layers, store_packed, store_plain
from envsync.image.formats.archive import ArchiveError, open_archive
from envsync.image.formats.config import parse_settings
from envsync.image.formats.layout import is_layout, load_index
from envsync.image.formats.manifest import (
    MOST_INDEXES,
    blob_path,
    choose_manifest,
    is_index,
    parse_descriptor,
    parse_manifest,
)
from envsync.model.digest import Digest, parse_digest
from envsync.model.image import SCRATCH, BaseImage, Layer

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from envsync.image.store.blobs import BlobStore

_LARGEST = 16 << 20  # bytes of a manifest, an index or a config
_MOST_LAYERS = 300  # engines take some 127
_WORD = re.compile(r"[a-z0-9._-]*")


class BaseSource(Protocol):
    """Provides one base image and its parts."""

    def load(self) -> BaseImage:
        """Return the image's description."""

    def fetch(self, layers: Sequence[Layer], store: BlobStore) -> None:
        """Put the plain tar of each of *layers* into *store*."""

    def fetch_compressed(self, layers: Sequence[Layer], store: BlobStore) -> None:
        """Put the compressed form that each of *layers* names into *store*."""

    def read_file(self, image: BaseImage, paths: Sequence[str], store: BlobStore) -> bytes | None:
        """Return the content of the first of *paths* that *image* has; *store* may be used."""


class ScratchSource:
    """The empty base image, `scratch`, for an OCI platform."""

    def __init__(self, *, os: str, architecture: str) -> None:
        self._image = BaseImage(name=SCRATCH, id="", os=os, architecture=architecture)

    def load(self) -> BaseImage:
        """Return an image without layers."""
        return self._image

    def fetch(self, layers: Sequence[Layer], store: BlobStore) -> None:
        """Do nothing: there are no layers."""

    def fetch_compressed(self, layers: Sequence[Layer], store: BlobStore) -> None:
        """Do nothing: there are no layers."""

    def read_file(self, image: BaseImage, paths: Sequence[str], store: BlobStore) -> bytes | None:
        """Return None: there are no files."""
        del image, paths, store
        return None


class FileSource:
    """A base image at a path: an OCI layout, or the archive that `docker save` writes.

    From a layout with several images, it takes the one for *os* and *architecture*.
    """

    def __init__(self, path: Path, *, os: str, architecture: str) -> None:
        self._path = path
        self._platform = (os, architecture)
        self._members: dict[Digest, str] = {}  # diff ids to members of an archive

    def load(self) -> BaseImage:
        """Return the image's description.

        Raises:
            EnvsyncError: it can't be read, or is not for the platform.
        """
        try:
            return self._load_layout() if self._path.is_dir() else self._load_archive()
        except (FileNotFoundError, PermissionError) as error:
            if error.filename != str(self._path):  # but a part of a layout
                raise self._cannot_tell() from error
            raise EnvsyncError(
                f"Cannot read `{self._path}`: {error.strerror}",
                hint="give an archive by `docker save`, an OCI layout, or an image by name",
            ) from error
        except (ArchiveError, OSError, ValueError, LookupError, TypeError) as error:
            raise self._cannot_tell() from error

    def fetch(self, layers: Sequence[Layer], store: BlobStore) -> None:
        """Put the plain tar of each of *layers* into *store*."""
        for layer in layers:
            if store.find(layer.diff_id) is None:
                self._fetch(layer, store)

    def fetch_compressed(self, layers: Sequence[Layer], store: BlobStore) -> None:
        """Put the compressed form that each of *layers* names into *store*."""
        for layer in layers:
            if layer.digest is not None and store.find(layer.digest) is None:
                with self._open_blob(layer.digest) as stream:
                    store_packed(stream, store, layer.digest)

    def read_file(self, image: BaseImage, paths: Sequence[str], store: BlobStore) -> bytes | None:
        """Return the content of the first of *paths* that *image* has."""
        return read_from_layers(image, paths, store, fetch=self.fetch)

    def _fetch(self, layer: Layer, store: BlobStore) -> None:
        if layer.digest is not None:
            with self._open_blob(layer.digest) as stream:
                store_plain(stream, store, layer.diff_id)
            return
        with open_archive(self._path) as archive:
            member = archive.extractfile(self._members[layer.diff_id])
            store_plain(cast("IO[bytes]", member), store, layer.diff_id)

    def _cannot_tell(self) -> EnvsyncError:
        return EnvsyncError(
            f"`{self._path}` is neither an OCI layout nor an archive by `docker save`"
        )

    def _load_layout(self) -> BaseImage:
        if not is_layout(self._path):
            raise EnvsyncError(
                f"`{self._path}` is a folder, and not an OCI layout",
                hint="create one with `skopeo copy`, or name another base image",
            )
        entry = self._choose(load_index(self._path))
        manifest = parse_manifest(self._read_blob(entry.digest))
        for _ in range(MOST_INDEXES):
            if not is_index(manifest, entry.media_type):
                break
            entry = self._choose(manifest)
            manifest = parse_manifest(self._read_blob(entry.digest))
        config = self._read_blob(parse_descriptor(manifest.get("config")).digest)
        return parse_base(str(self._path), config, manifest=manifest, digest=entry.digest)

    def _read_blob(self, digest: Digest) -> bytes:
        """Return a manifest, an index or a config."""
        with self._open_blob(digest) as stream:
            content = stream.read(_LARGEST + 1)
        if len(content) > _LARGEST or hash_bytes(content) != digest:
            raise EnvsyncError(f"`{self._path}` has other bytes than `{digest}` in that blob")
        return content

    def _open_blob(self, digest: Digest) -> IO[bytes]:
        try:
            return open_regular(self._path / blob_path(digest))
        except OSError as error:
            raise EnvsyncError(
                f"`{self._path}` lacks `{digest}`, a part of its image: {error.strerror}"
            ) from error

    def _choose(self, index: dict[str, Any]) -> Any:
        os, architecture = self._platform
        return choose_manifest(index, os=os, architecture=architecture, name=str(self._path))

    def _load_archive(self) -> BaseImage:
        with open_archive(self._path) as archive:
            images = json.loads(_read(archive, "manifest.json"))
            manifest = images[0]
            config = _read(archive, manifest["Config"])
            image = parse_base(str(self._path), config)
            names = [_follow(archive, name) for name in manifest["Layers"]]
            layers = zip(image.layers, names, strict=True)
            self._members = {layer.diff_id: name for layer, name in layers}
        return image


def parse_base(
    name: str,
    content: bytes,
    *,
    manifest: dict[str, Any] | None = None,
    digest: str | None = None,
) -> BaseImage:
    """Return the base image *name* with the config *content*.

    With its *manifest*, the layers have the compressed form that is listed there.

    Raises:
        ValueError: it is not a config, or not that of the manifest.
        EnvsyncError: the manifest has an incomplete entry.
    """
    config = parse_manifest(content)
    layers = [Layer(diff_id=diff_id, size=0) for diff_id in _read_diff_ids(config)]
    if manifest is not None:
        parts = manifest.get("layers")
        if not isinstance(parts, list) or len(parts) != len(layers):
            raise ValueError("the manifest has other layers than the config")
        layers = [
            replace(
                layer,
                digest=part.digest,
                media_type=part.media_type,
                compressed_size=part.size,
            )
            for layer, part in zip(layers, map(parse_descriptor, parts), strict=True)
        ]
    return BaseImage(
        name=name,
        id=hash_bytes(content),
        os=_read_word(config, "os"),
        architecture=_read_word(config, "architecture"),
        variant=_read_word(config, "variant", otherwise=""),
        digest=digest,
        settings=parse_settings(config.get("config") or {}),
        layers=tuple(layers),
    )


def _read_diff_ids(config: Mapping[str, Any]) -> list[Digest]:
    rootfs = config.get("rootfs")
    listed = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(listed, list) or len(listed) > _MOST_LAYERS:
        raise ValueError("the config has no list of layers")
    return [parse_digest(it) for it in listed]


def _read_word(config: Mapping[str, Any], key: str, *, otherwise: str | None = None) -> str:
    value = config.get(key) or otherwise
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise ValueError(f"the config has no usable `{key}`")
    return value


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    if archive.getmember(_check_name(name)).issparse():
        raise KeyError(name)
    stream = archive.extractfile(name)
    content = stream.read(_LARGEST + 1) if stream is not None else None
    if content is None or len(content) > _LARGEST:
        raise KeyError(name)
    return content


def _check_name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(name)
    return name


def _follow(archive: tarfile.TarFile, name: object) -> str:
    """Return the member *name*, or its target: old archives have links for equal layers."""
    name = _check_name(name)
    member = archive.getmember(name)
    if not member.issym():
        return name
    parts = name.split("/")[:-1]
    for part in member.linkname.split("/"):
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)
