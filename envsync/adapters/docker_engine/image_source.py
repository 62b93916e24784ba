"""A base image from an engine."""

from __future__ import annotations

import io
import re
import tarfile
from typing import IO, TYPE_CHECKING, Any, cast

from envsync.adapters.docker_engine.engine import choose_digest
from envsync.errors import EnvsyncError
from envsync.image.base.layer_content import store_plain
from envsync.image.formats.config import parse_settings
from envsync.model.digest import parse_digest
from envsync.model.image import BaseImage, Layer, parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from envsync.adapters.docker_engine.engine import DockerEngine
    from envsync.image.store.blobs import BlobStore
    from envsync.model.digest import Digest

_STRANGE_HINT = "check the image with `docker image inspect`, or pull it again"
_MOST_LINKS = 8  # one to the other
_WORD = re.compile(r"[A-Za-z0-9._-]*")
_NO_ARCHIVE = (tarfile.TarError, EOFError, LookupError, OverflowError, ValueError)
_NO_LAYER = (".json", "VERSION", "repositories", "oci-layout", "/json")


class EngineSource:
    """The image called *name* in *engine*."""

    def __init__(self, engine: DockerEngine, name: str) -> None:
        self._engine = engine
        self._name = name

    def load(self) -> BaseImage:
        """Return the image's description."""
        facts = self._engine.inspect(self._name)
        if facts is None:
            raise EnvsyncError(f"The Docker Engine has no image `{self._name}`")
        try:
            return self._parse(facts)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise EnvsyncError(
                f"The Docker Engine describes `{self._name}` in an unknown form",
                hint=_STRANGE_HINT,
            ) from error

    def _parse(self, facts: Mapping[str, Any]) -> BaseImage:
        listed = (facts.get("RootFS") or {}).get("Layers") or ()
        if not isinstance(listed, list | tuple):
            raise TypeError("layers are a list")
        return BaseImage(
            name=self._name,
            id=_parse_id(facts["Id"]),
            os=_check_text(facts["Os"]),
            architecture=_check_text(facts["Architecture"]),
            variant=_check_text(facts.get("Variant") or ""),
            digest=choose_digest(facts, parse_reference(self._name)),
            settings=parse_settings(facts.get("Config") or {}),
            layers=tuple(Layer(diff_id=_parse_id(it), size=0) for it in listed),
        )

    def fetch(self, layers: Sequence[Layer], store: BlobStore) -> None:
        """Put the plain tar of each of *layers* into *store*; this saves the whole image.

        Raises:
            EnvsyncError: the engine leaves out a layer that it lists.
        """
        missing = {layer.diff_id for layer in layers if store.find(layer.diff_id) is None}
        if not missing:
            return
        stream = cast("IO[bytes]", _Stream(self._engine.save(self._name)))
        try:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                for member in archive:
                    content = archive.extractfile(member) if member.isfile() else None
                    if content is not None and not member.name.endswith(_NO_LAYER):
                        store_plain(content, store)
        except _NO_ARCHIVE as error:
            raise EnvsyncError(
                f"The Docker Engine saves `{self._name}` as something that is not an archive",
                hint=_STRANGE_HINT,
            ) from error
        for diff_id in sorted(missing):
            if store.find(diff_id) is None:
                raise EnvsyncError(f"The Docker Engine leaves out the layer `{diff_id}`")

    def fetch_compressed(self, layers: Sequence[Layer], store: BlobStore) -> None:
        """Do nothing: an engine names no compressed forms."""

    def read_file(self, image: BaseImage, paths: Sequence[str], store: BlobStore) -> bytes | None:
        """Return the content of the first of *paths* that *image* has."""
        del store
        for path in paths:
            content = self._read(image, path)
            if content is not None:
                return content
        return None

    def _read(self, image: BaseImage, path: str) -> bytes | None:
        for _ in range(_MOST_LINKS):
            chunks = self._engine.read_file(image.id, path)
            if chunks is None:
                return None
            try:
                content, link = _read_member(b"".join(chunks))
            except _NO_ARCHIVE as error:
                raise EnvsyncError(
                    f"The Docker Engine sends `{path}` of `{image.name}` as something else than "
                    "an archive",
                    hint=_STRANGE_HINT,
                ) from error
            if not link:
                return content
            path = f"{path.rpartition('/')[0]}/{link.rpartition('/')[2]}"
        return None


def _read_member(archive: bytes) -> tuple[bytes | None, str]:
    """Return the content of the first member of *archive*, or its target if it is a link."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        member = opened.next()
        if member is None:
            return None, ""
        if member.issym():
            return None, member.linkname
        stream = opened.extractfile(member)
        return (stream.read() if stream is not None else None), ""


def _parse_id(value: object) -> Digest:
    """Parse *value* as a digest; some engines leave out `sha256:`."""
    text = value if isinstance(value, str) else ""
    return parse_digest(text if ":" in text else f"sha256:{text}")


def _check_text(value: object) -> str:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise ValueError("a platform is a word")
    return value


class _Stream:
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
