"""A base image straight from its registry."""

from __future__ import annotations

import shutil
from functools import partial
from typing import IO, TYPE_CHECKING, Any

import requests

from envsync.adapters.registry.body import LARGEST_CONFIG, LARGEST_MANIFEST, parse_json
from envsync.adapters.registry.client import READ_SECONDS, RegistryClient
from envsync.adapters.registry.credentials import find_credentials
from envsync.adapters.registry.failure import (
    explain_content,
    explain_old,
    explain_other,
    explain_unreachable,
)
from envsync.errors import EnvsyncError
from envsync.model.image import DIGEST
from envsync.realise.image.base import parse_base
from envsync.realise.image.layer_content import read_from_layers, store_plain
from envsync.realise.image.manifest import (
    INDEXES,
    MANIFESTS,
    MOST_INDEXES,
    choose_manifest,
    describe_bytes,
    is_index,
    parse_descriptor,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envsync.model.environment import ImageRegistry
    from envsync.model.image import BaseImage, ImageReference, Layer
    from envsync.realise.image.blobs import BlobStore

_NOT_FOUND = 404
_ACCEPT = ", ".join((*MANIFESTS, *INDEXES))
_CHUNK = 1 << 20
_MOST_BYTES = 1 << 63  # of a layer: more is no size in any other program


class ImageNotFoundError(EnvsyncError):
    """The registry answers, and has no such image."""


class RegistrySource:
    """The image *reference* in its registry, for Linux on *architecture*.

    *registry* is what a definition says of where its base image comes from. The registry may be
    silent for *read_seconds* at a time.
    """

    def __init__(
        self,
        reference: ImageReference,
        *,
        architecture: str,
        registry: ImageRegistry | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self.reference = reference
        self._architecture = architecture
        self._read_seconds = read_seconds
        self._image: BaseImage | None = None
        self._client = RegistryClient(
            reference.registry,
            find_credentials(reference.registry, registry),
            read_seconds=read_seconds,
        )

    def close(self) -> None:
        """Close the connections to the registry."""
        self._client.close()

    def load(self) -> BaseImage:
        """Return what the image says of itself.

        Raises:
            EnvsyncError: it is not there, not for the platform, or not what its digest says.
        """
        registry = self.reference.registry
        try:
            self._image = self._image or self._load()
        except requests.RequestException as error:  # half an answer
            raise explain_unreachable(registry, error, seconds=self._read_seconds) from error
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise explain_content(registry, self.reference) from error
        return self._image

    def find_digest(self) -> str:
        """Return the digest that the registry has for the image now, whatever the platform.

        Where there is an image for each of several platforms, it is that of their index.

        Raises:
            EnvsyncError: it is not there, or the registry can't be asked.
        """
        path = self._manifest(self.reference.version)
        # Docker Hub does not count this as a pull.
        with self._client.request("HEAD", path, headers={"Accept": _ACCEPT}) as answer:
            digest = answer.headers.get("Docker-Content-Digest", "")
            if answer.ok and DIGEST.fullmatch(digest):
                return digest
        content, kind = self._get_manifest(self.reference.version)
        return describe_bytes(content, kind).digest

    def _load(self) -> BaseImage:
        content, kind = self._get_manifest(self.reference.version)
        digest = describe_bytes(content, kind).digest
        manifest = _parse_object(content)
        for _ in range(MOST_INDEXES):
            if not is_index(manifest, kind):
                break
            chosen = choose_manifest(
                manifest, os="linux", architecture=self._architecture, name=str(self.reference)
            )
            content, kind = self._get_manifest(_check_digest(chosen.digest))
            manifest = _parse_object(content)
        if manifest.get("schemaVersion") == 1:
            raise explain_old(self.reference.registry, self.reference)
        config = self._get_config(_check_digest(parse_descriptor(manifest["config"]).digest))
        _parse_object(config)
        image = parse_base(str(self.reference), config, manifest=manifest, digest=digest)
        return _check_image(image)

    def fetch(self, layers: Sequence[Layer], store: BlobStore) -> None:
        """Have the plain tar of each of *layers* in *store*.

        Raises:
            EnvsyncError: one can't be had, or is not what the image says.
        """
        for layer in layers:
            if layer.digest is not None and store.find(layer.diff_id) is None:
                unpack = partial(store_plain, store=store, diff_id=layer.diff_id)
                self._download(layer, unpack)

    def fetch_compressed(self, layers: Sequence[Layer], store: BlobStore) -> None:
        """Have the compressed form of each of *layers* in *store*.

        Raises:
            EnvsyncError: one can't be had, or is not what the image says.
        """
        for layer in layers:
            if layer.digest is not None and store.find(layer.digest) is None:
                self._download(layer, partial(_keep, store=store, digest=layer.digest))

    def read_file(self, image: BaseImage, paths: Sequence[str], store: BlobStore) -> bytes | None:
        """Return the content of the first of *paths* that *image* has."""
        return read_from_layers(image, paths, store, fetch=self.fetch)

    def _download(self, layer: Layer, consume: Callable[[IO[bytes]], None]) -> None:
        """Give *consume* the compressed form of *layer*, up to the size that the manifest says."""
        path = self._blob(_check_digest(layer.digest))
        self._client.download(path, consume, most=layer.compressed_size)

    def _blob(self, digest: str) -> str:
        return f"{self.reference.repository}/blobs/{digest}"

    def _manifest(self, version: str) -> str:
        return f"{self.reference.repository}/manifests/{version}"

    def _get_manifest(self, version: str) -> tuple[bytes, str]:
        """Return the manifest *version*, a tag or a digest, and its media type."""
        path = self._manifest(version)

        def judge(answer: requests.Response) -> None:
            if answer.status_code == _NOT_FOUND:
                raise ImageNotFoundError(
                    f"Registry `{self.reference.registry}` has no image `{self.reference}`",
                    hint="check its name and tag; old images of Azure ML are withdrawn at times",
                )
            if not answer.ok:
                raise self._client.explain(answer, f"asked for `{self.reference}`")

        content, kind = self._client.read(
            path, most=LARGEST_MANIFEST, headers={"Accept": _ACCEPT}, judge=judge
        )
        if version.startswith("sha256:") and describe_bytes(content, kind).digest != version:
            raise explain_other(self.reference.registry, version)
        return content, kind.partition(";")[0].strip()

    def _get_config(self, digest: str) -> bytes:
        def judge(answer: requests.Response) -> None:
            if not answer.ok:
                raise self._client.explain(answer, "asked for a part of the image")

        content, _ = self._client.read(self._blob(digest), most=LARGEST_CONFIG, judge=judge)
        if describe_bytes(content, "").digest != digest:
            raise explain_other(self.reference.registry, digest)
        return content


def _parse_object(content: bytes) -> dict[str, Any]:
    value = parse_json(content)
    if not isinstance(value, dict):
        raise TypeError("a manifest or a config is an object")
    return value


def _check_digest(value: object) -> str:
    """Return *value*, which becomes a part of addresses and the name of a file."""
    if not isinstance(value, str) or not DIGEST.fullmatch(value):
        raise ValueError("a digest is `sha256:` and 64 hexadecimal digits")
    return value


def _check_image(image: BaseImage) -> BaseImage:
    for layer in image.layers:
        _check_digest(layer.diff_id)
        _check_digest(layer.digest)
        if not 0 <= layer.compressed_size < _MOST_BYTES:
            raise ValueError("a size is a number of bytes")
    return image


def _keep(stream: IO[bytes], *, store: BlobStore, digest: str) -> None:
    with store.write(expected=digest) as writer:
        shutil.copyfileobj(stream, writer, _CHUNK)
