"""Manifests and indexes (OCI image-spec), which list the parts of images."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from envsync.errors import EnvsyncError
from envsync.files.hashing import hash_bytes
from envsync.image.formats.config import dump_json
from envsync.model.digest import parse_digest, parse_size
from envsync.model.text.redaction import quote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envsync.model.digest import Digest
    from envsync.model.image import Layer

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
MOST_INDEXES = 4  # nested
MANIFESTS = (MANIFEST, DOCKER_MANIFEST)
INDEXES = (INDEX, DOCKER_INDEX)

REFERENCE = "org.opencontainers.image.ref.name"
LAYOUT_VERSION = {"imageLayoutVersion": "1.0.0"}

# The variants of an architecture that any of its machines runs.
_ANY_MACHINE = frozenset({"", "v1", "v8"})
_NOT_DESCRIBED = "A part of the manifest lacks its media type, digest or size"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar"
# Docker's names for the same bytes.
_MEDIA_TYPES = {
    "application/vnd.docker.image.rootfs.diff.tar": _LAYER,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": f"{_LAYER}+gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd": f"{_LAYER}+zstd",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip": f"{_FOREIGN}+gzip",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Descriptor:
    """A part of an image: its media type, digest and size in bytes."""

    media_type: str
    digest: Digest
    size: int


def blob_path(digest: Digest) -> str:
    """Return the path of the blob *digest* in a layout."""
    return f"blobs/{parse_digest(digest).replace(':', '/')}"


def describe_bytes(content: bytes, media_type: str) -> Descriptor:
    """Return the descriptor of *content*."""
    return Descriptor(media_type=media_type, digest=hash_bytes(content), size=len(content))


def dump_manifest(config: bytes, layers: Sequence[Layer]) -> bytes:
    """Return the manifest of the image with *config* and *layers*.

    A layer without a compressed form is listed as the plain tar.
    """
    return dump_json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": dump_descriptor(describe_bytes(config, CONFIG)),
            "layers": [dump_descriptor(describe_layer(layer)) for layer in layers],
        }
    )


def describe_layer(layer: Layer) -> Descriptor:
    """Return the descriptor of *layer*'s compressed form, or of its plain tar."""
    if layer.digest is None or layer.media_type is None:
        return Descriptor(media_type=_LAYER, digest=layer.diff_id, size=layer.size)
    media_type = _MEDIA_TYPES.get(layer.media_type, layer.media_type)
    return Descriptor(media_type=media_type, digest=layer.digest, size=layer.compressed_size)


def dump_descriptor(descriptor: Descriptor) -> dict[str, Any]:
    """Return *descriptor* in OCI's form."""
    return {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    }


def dump_entry(
    manifest: bytes, config: bytes, *, annotations: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the entry of an index for the image with *manifest* and *config*."""
    known = json.loads(config)
    platform = {key: known[key] for key in ("architecture", "os", "variant") if key in known}
    return {
        **dump_descriptor(describe_bytes(manifest, MANIFEST)),
        "platform": platform,
        **({"annotations": dict(annotations)} if annotations else {}),
    }


def parse_descriptor(value: object) -> Descriptor:
    """Parse *value* as a descriptor.

    Raises:
        EnvsyncError: it is not one.
    """
    known = value if isinstance(value, dict) else {}
    media_type = known.get("mediaType")
    try:
        digest, size = parse_digest(known.get("digest")), parse_size(known.get("size"))
    except ValueError as error:
        raise EnvsyncError(_NOT_DESCRIBED) from error
    if not isinstance(media_type, str):
        raise EnvsyncError(_NOT_DESCRIBED)
    return Descriptor(media_type=media_type, digest=digest, size=size)


def parse_manifest(content: bytes) -> dict[str, Any]:
    """Parse *content* as a manifest, an index or a config.

    Raises:
        ValueError: it is not a JSON object.
    """
    try:
        value = json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004  # as for broken JSON
    return value


def list_entries(content: Mapping[str, Any], key: str = "manifests") -> list[dict[str, Any]]:
    """Return the objects in the list *key* of a manifest or an index."""
    listed = content.get(key)
    return [it for it in listed if isinstance(it, dict)] if isinstance(listed, list) else []


def is_index(content: Mapping[str, Any], media_type: str) -> bool:
    """Return whether *content* of *media_type* is an index, which lists manifests."""
    return media_type in INDEXES or "manifests" in content


def choose_manifest(
    index: Mapping[str, Any], *, os: str, architecture: str, name: str
) -> Descriptor:
    """Return the manifest for a platform from *index*, which is that of the image *name*.

    Of several variants, it prefers one that every machine of the architecture runs. The result may
    itself be an index.

    Raises:
        EnvsyncError: there is none for the platform.
    """
    entries = list_entries(index)
    if len(entries) == 1 and not entries[0].get("platform"):
        return parse_descriptor(entries[0])
    platforms = [_read_platform(entry) for entry in entries]
    fitting = [
        (str(platform.get("variant") or "") not in _ANY_MACHINE, number)
        for number, platform in enumerate(platforms)
        if (platform.get("os"), platform.get("architecture")) == (os, architecture)
    ]
    if fitting:
        return parse_descriptor(entries[min(fitting)[1]])
    for entry in entries:
        if not entry.get("platform") and entry.get("mediaType") in INDEXES:
            return parse_descriptor(entry)  # which may have one
    found = [
        quote(f"{platform.get('os')}/{platform.get('architecture')}")
        for platform in platforms
        if platform.get("os") not in (None, "unknown")
    ]
    offers = f"it has {', '.join(found)}" if found else "it has no image"
    raise EnvsyncError(f"Base image `{name}` is not available for `{os}/{architecture}`: {offers}")


def _read_platform(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    platform = entry.get("platform")
    return platform if isinstance(platform, dict) else {}
