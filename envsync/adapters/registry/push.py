"""Pushing an image to a registry: first missing blobs, then the manifest with its tag."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import IO, TYPE_CHECKING, Protocol, TypeVar

from envsync.adapters.registry.client import RegistryClient
from envsync.adapters.registry.credentials import find_credentials
from envsync.adapters.registry.failure import RegistryBusyError
from envsync.errors import EnvsyncError
from envsync.files.hashing import hash_bytes
from envsync.image.formats.manifest import (
    MANIFEST,
    describe_layer,
    dump_manifest,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from envsync.model.digest import Digest
    from envsync.model.image import ImageReference, Layer
    from envsync.model.progress import Reporter

_T = TypeVar("_T")

_CREATED, _ACCEPTED = 201, 202
_UPLOADS = 4  # at a time
_TRIES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Pushed:
    """The result of a push: the manifest's digest, and how many layers were sent."""

    digest: str
    changed: bool
    sent: int = 0
    sent_bytes: int = 0


class BlobProvider(Protocol):
    """Provides the bytes of layers."""

    def provide_compressed(self, layers: Sequence[Layer]) -> None:
        """Make the compressed form of each of *layers* available."""

    def path(self, digest: Digest) -> Path:
        """Return the file that has the *digest*."""

    def list_repositories(self, registry: str) -> Mapping[str, str]:
        """Return the repositories of *registry* that blobs were pushed to, by digest."""

    def note_repository(self, registry: str, repository: str, digests: Iterable[str]) -> None:
        """Record that *registry* has blobs in *repository*."""


def push(
    reference: ImageReference,
    config: bytes,
    layers: Sequence[Layer],
    *,
    provider: BlobProvider,
    base: ImageReference | None,
    reporter: Reporter,
) -> Pushed:
    """Push the image with *config* and *layers*, all with a compressed form, to *reference*.

    Blobs that the registry has are not sent. Those of *base* in the same registry, and those
    pushed to another of its repositories, are mounted from there. The tag moves last.
    """
    client = RegistryClient(reference.registry, find_credentials(reference.registry, None))
    with contextlib.closing(client):
        manifest = dump_manifest(config, layers)
        digest = hash_bytes(manifest)
        tag = f"{reference.repository}/manifests/{reference.tag or 'latest'}"
        with client.request("HEAD", tag, headers={"Accept": MANIFEST}) as answer:
            if answer.ok and answer.headers.get("Docker-Content-Digest") == digest:
                return Pushed(digest=digest, changed=False)
        is_near = base is not None and base.registry == reference.registry
        repository = _Repository(
            client,
            reference.repository,
            neighbours=provider.list_repositories(reference.registry),
            otherwise=base.repository if base is not None and is_near else None,
        )
        sent = _send_layers(repository, layers, provider, reporter)
        digests = [describe_layer(layer).digest for layer in layers]
        provider.note_repository(reference.registry, reference.repository, digests)
        repository.send(hash_bytes(config), lambda: BytesIO(config))
        _persist(lambda: repository.put(tag, lambda: BytesIO(manifest), media_type=MANIFEST))
    return Pushed(digest=digest, changed=True, sent=len(sent), sent_bytes=sum(sent))


def _send_layers(
    repository: _Repository, layers: Sequence[Layer], provider: BlobProvider, reporter: Reporter
) -> list[int]:
    """Send the missing *layers* to the repository; return the sizes of those sent."""
    wanted = {describe_layer(layer).digest: layer for layer in layers}
    reporter.step("Pushing layers", total=len(wanted))

    def send(layer: Layer) -> int:
        size = repository.send_layer(layer, provider)
        reporter.advance()
        return size

    with ThreadPoolExecutor(max_workers=_UPLOADS) as pool:
        return [size for size in pool.map(send, wanted.values()) if size]


class _Repository:
    """Puts blobs and manifests into the repository *name*.

    Blobs of another repository, by *neighbours* or *otherwise*, are mounted instead of sent.
    """

    def __init__(
        self,
        client: RegistryClient,
        name: str,
        *,
        neighbours: Mapping[str, str],
        otherwise: str | None,
    ) -> None:
        self._client = client
        self._name = name
        self._neighbours = neighbours
        self._otherwise = otherwise

    def send_layer(self, layer: Layer, provider: BlobProvider) -> int:
        """Send *layer* if it is missing; return how many bytes were sent."""
        digest = describe_layer(layer).digest

        def open_file() -> IO[bytes]:
            provider.provide_compressed([layer])
            return provider.path(digest).open("rb")

        return layer.compressed_size if self.send(digest, open_file) else 0

    def send(self, digest: str, open_body: Callable[[], IO[bytes]]) -> bool:
        """Send the blob *digest* if it is missing; return whether it was sent."""
        with self._client.request("HEAD", f"{self._name}/blobs/{digest}") as answer:
            if answer.ok:
                return False
        return _persist(lambda: self._take(digest, open_body))

    def _take(self, digest: str, open_body: Callable[[], IO[bytes]]) -> bool:
        location = self._start(digest)
        if location is not None:
            self.put(location, open_body, params={"digest": digest})
        return location is not None

    def put(
        self,
        location: str,
        open_body: Callable[[], IO[bytes]],
        *,
        media_type: str = "application/octet-stream",
        params: dict[str, str] | None = None,
    ) -> None:
        """Send the content that *open_body* opens to *location*."""
        headers = {"Content-Type": media_type}
        with self._client.request(
            "PUT", location, headers=headers, params=params, open_body=open_body
        ) as answer:
            if answer.status_code != _CREATED:
                raise self._client.explain(answer, f"given a part of `{self._name}`")

    def _start(self, digest: str) -> str | None:
        """Return where to send the blob *digest*, None if it was mounted."""
        near = self._neighbours.get(digest, self._otherwise)
        if near:
            with contextlib.suppress(EnvsyncError):  # this user may have no access to it
                return self._ask_to_take({"mount": digest, "from": near})
        return self._ask_to_take(None)

    def _ask_to_take(self, params: dict[str, str] | None) -> str | None:
        with self._client.request("POST", f"{self._name}/blobs/uploads/", params=params) as answer:
            if answer.status_code == _CREATED:
                return None
            if answer.status_code != _ACCEPTED or "Location" not in answer.headers:
                raise self._client.explain(answer, f"asked to take a part of `{self._name}`")
            return self._client.follow(answer, answer.headers["Location"])


def _persist(attempt: Callable[[], _T], *, tries: int = _TRIES) -> _T:
    """Return the result of *attempt*, retried if the registry is busy or breaks off."""
    try:
        return attempt()
    except EnvsyncError as error:
        if tries == 1:
            raise
        time.sleep(error.seconds if isinstance(error, RegistryBusyError) else 0)
    return _persist(attempt, tries=tries - 1)
