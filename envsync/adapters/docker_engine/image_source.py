"""A base image that an engine has."""

from __future__ import annotations

import io
import tarfile
from typing import IO, TYPE_CHECKING, cast

from envsync.adapters.docker_engine.engine import choose_digest
from envsync.errors import EnvsyncError
from envsync.model.digest import parse_digest
from envsync.model.image import BaseImage, Layer, parse_reference
from envsync.realise.image.config import parse_settings
from envsync.realise.image.layer_content import store_plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envsync.adapters.docker_engine.engine import DockerEngine
    from envsync.realise.image.blobs import BlobStore

_NO_LAYER = (".json", "VERSION", "repositories", "oci-layout", "/json")


class EngineSource:
    """The image called *name* in *engine*."""

    def __init__(self, engine: DockerEngine, name: str) -> None:
        self._engine = engine
        self._name = name

    def load(self) -> BaseImage:
        """Return what the image says of itself.

        Raises:
            EnvsyncError: the engine has no such image.
        """
        facts = self._engine.inspect(self._name)
        if facts is None:
            raise EnvsyncError(f"The Docker Engine has no image `{self._name}`")
        return BaseImage(
            name=self._name,
            id=str(facts["Id"]),
            os=str(facts["Os"]),
            architecture=str(facts["Architecture"]),
            variant=str(facts.get("Variant") or ""),
            digest=choose_digest(facts, parse_reference(self._name)),
            settings=parse_settings(facts.get("Config") or {}),
            layers=tuple(
                Layer(diff_id=parse_digest(diff_id), size=0)
                for diff_id in (facts.get("RootFS") or {}).get("Layers") or ()
            ),
        )

    def fetch(self, layers: Sequence[Layer], store: BlobStore) -> None:
        """Have the plain tar of each of *layers* in *store*; the image is saved whole for that.

        Raises:
            EnvsyncError: the engine does not give a layer that it says the image has.
        """
        missing = {layer.diff_id for layer in layers if store.find(layer.diff_id) is None}
        if not missing:
            return
        stream = cast("IO[bytes]", _Stream(self._engine.save(self._name)))
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if content is not None and not member.name.endswith(_NO_LAYER):
                    store_plain(content, store)
        for diff_id in sorted(missing):
            if store.find(diff_id) is None:
                raise EnvsyncError(f"The Docker Engine gives no layer `{diff_id}`")

    def fetch_compressed(self, layers: Sequence[Layer], store: BlobStore) -> None:
        """Do nothing: an engine names no compressed forms."""

    def read_file(self, image: BaseImage, paths: Sequence[str], store: BlobStore) -> bytes | None:
        """Return the content of the first of *paths* that *image* has."""
        for path in paths:
            content = self._read(image, path)
            if content is not None:
                return content
        del store
        return None

    def _read(self, image: BaseImage, path: str) -> bytes | None:
        chunks = self._engine.read_file(image.id, path)
        if chunks is None:
            return None
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            member = archive.getmembers()[0]
            if member.issym():
                folder = path.rpartition("/")[0]
                return self._read(image, f"{folder}/{member.linkname.rpartition('/')[2]}")
            stream = archive.extractfile(member)
            return stream.read() if stream is not None else None


class _Stream:
    """The pieces that an iterator gives, to be read as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Return up to *size* bytes, fewer only at the end."""
        parts, length = [self._rest], len(self._rest)
        while length < size and (piece := next(self._pieces, b"")):
            parts.append(piece)
            length += len(piece)
        whole = b"".join(parts)
        self._rest = whole[size:]
        return whole[:size]
