"""A base image straight from its registry."""

from __future__ import annotations

from functools import partial
from typing import IO, TYPE_CHECKING

import requests

from envsync.adapters.registry.body import LARGEST_CONFIG, LARGEST_MANIFEST
from envsync.adapters.registry.client import READ_SECONDS, RegistryClient
from envsync.adapters.registry.credentials import find_credentials
from envsync.adapters.registry.failure import (
    explain_content,
    explain_old,
    explain_other,
    explain_unreachable,
)
from envsync.errors import EnvsyncError
from envsync.files.hashing import hash_bytes
from envsync.image.base.base import parse_base
from envsync.image.base.layer_content import read_from_layers, store_packed, store_plain
from envsync.image.formats.manifest import (
    INDEXES,
    MANIFESTS,
    MOST_INDEXES,
    choose_manifest,
    is_index,
    parse_descriptor,
    parse_manifest,
)
from envsync.model.digest import DIGEST, Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envsync.image.store.blobs import BlobStore
    from envsync.model.environment import ImageRegistry
    from envsync.model.image import BaseImage, ImageReference, Layer

_NOT_FOUND = 404
_ACCEPT = ", ".join((*MANIFESTS, *INDEXES))


class ImageNotFoundError(EnvsyncError):
    """The registry has no such image."""


class RegistrySource:
    """The image *reference* in its registry, for Linux on *architecture*.

    *registry* has the definition's credentials. Silence may last *read_seconds*.
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
        """Return the image's description.

        Raises:
            EnvsyncError: it is missing, not for the platform, or does not match its digest.
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
        """Return the digest that the registry has for the image now.

        For an image with several platforms, it is that of their index.
        """
        path = self._manifest(self.reference.version)
        # Docker Hub does not count this as a pull.
        with self._client.request("HEAD", path, headers={"Accept": _ACCEPT}) as answer:
            digest = answer.headers.get("Docker-Content-Digest", "")
            if answer.ok and DIGEST.fullmatch(digest):
                return digest
        content, _ = self._get_manifest(self.reference.version)
        return hash_bytes(content)

    def _load(self) -> BaseImage:
        content, kind = self._get_manifest(self.reference.version)
        digest = hash_bytes(content)
        manifest = parse_manifest(content)
        for _ in range(MOST_INDEXES):
            if not is_index(manifest, kind):
                break
            chosen = choose_manifest(
                manifest, os="linux", architecture=self._architecture, name=str(self.reference)
            )
            content, kind = self._get_manifest(chosen.digest)
            manifest = parse_manifest(content)
        if manifest.get("schemaVersion") == 1:
            raise explain_old(self.reference.registry, self.reference)
        config = self._get_config(parse_descriptor(manifest.get("config")).digest)
        return parse_base(str(self.reference), config, manifest=manifest, digest=digest)

    def fetch(self, layers: Sequence[Layer], store: BlobStore) -> None:
        """Put the plain tar of each of *layers* into *store*.

        Raises:
            EnvsyncError: one can't be downloaded, or does not match the manifest.
        """
        for layer in layers:
            if layer.digest is not None and store.find(layer.diff_id) is None:
                unpack = partial(store_plain, store=store, diff_id=layer.diff_id)
                self._download(layer.digest, unpack, most=layer.compressed_size)

    def fetch_compressed(self, layers: Sequence[Layer], store: BlobStore) -> None:
        """Put the compressed form of each of *layers* into *store*."""
        for layer in layers:
            if layer.digest is not None and store.find(layer.digest) is None:
                keep = partial(store_packed, store=store, digest=layer.digest)
                self._download(layer.digest, keep, most=layer.compressed_size)

    def read_file(self, image: BaseImage, paths: Sequence[str], store: BlobStore) -> bytes | None:
        """Return the content of the first of *paths* that *image* has."""
        return read_from_layers(image, paths, store, fetch=self.fetch)

    def _download(self, digest: Digest, consume: Callable[[IO[bytes]], None], *, most: int) -> None:
        self._client.download(self._blob(digest), consume, most=most)

    def _blob(self, digest: Digest) -> str:
        return f"{self.reference.repository}/blobs/{digest}"

    def _manifest(self, version: str) -> str:
        return f"{self.reference.repository}/manifests/{version}"

    def _get_manifest(self, version: str) -> tuple[bytes, str]:
        """Return the manifest *version*, a tag or a digest, and its media type."""

        def judge(answer: requests.Response) -> None:
            if answer.status_code == _NOT_FOUND:
                raise ImageNotFoundError(
                    f"Registry `{self.reference.registry}` has no image `{self.reference}`",
                    hint="check its name and tag; old images of Azure ML are withdrawn at times",
                )
            if not answer.ok:
                raise self._client.explain(answer, f"asked for `{self.reference}`")

        content, kind = self._client.read(
            self._manifest(version),
            most=LARGEST_MANIFEST,
            headers={"Accept": _ACCEPT},
            judge=judge,
        )
        if version.startswith("sha256:") and hash_bytes(content) != version:
            raise explain_other(self.reference.registry, version)
        return content, kind.partition(";")[0].strip()

    def _get_config(self, digest: Digest) -> bytes:
        def judge(answer: requests.Response) -> None:
            if not answer.ok:
                raise self._client.explain(answer, "asked for a part of the image")

        content, _ = self._client.read(self._blob(digest), most=LARGEST_CONFIG, judge=judge)
        if hash_bytes(content) != digest:
            raise explain_other(self.reference.registry, digest)
        return content
