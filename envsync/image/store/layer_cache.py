"""A cache of layers by the keys of their recipes."""

from __future__ import annotations

import contextlib
import tarfile
import tempfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.files import cannot_write, lock_directory, remove_tree
from envsync.image.store.blobs import BlobStore
from envsync.image.store.files import write_tar
from envsync.image.store.notes import Notes
from envsync.image.store.tar import END
from envsync.model.digest import parse_digest, parse_size
from envsync.model.image import Layer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from envsync.image.store.files import ImageFile, Sink
    from envsync.model.digest import Digest

GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"

_CHUNK = 1 << 20
_STAGING = "staging-"
_GZIP_LEVEL = 4  # 5 % larger than gzip's default, 6, in half the time
_GZIP_WINDOW = 31  # makes zlib write gzip's header, without name and time


class LayerCache:
    """Layers by the keys of their recipes, in the folder *root*.

    Hold `lock` to add to it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.blobs = BlobStore(root / "blobs")
        self.bases = Notes(root / "bases")
        self.pushed = Notes(root / "pushed")
        self.loaded = Notes(root / "loaded")
        self._compressed = Notes(root / "gzip")
        self._made = Notes(root / "made")
        self._known: dict[str, tuple[Layer, tuple[str, ...]]] = {}

    def lock(self) -> AbstractContextManager[None]:
        """Hold the cache for this process; wait while another one holds it."""
        return lock_directory(self.root)

    @contextlib.contextmanager
    def make_folder(self) -> Iterator[Path]:
        """Yield a new folder to stage layers in, and remove it afterwards."""
        try:
            folder = Path(tempfile.mkdtemp(prefix=_STAGING, dir=self.root)).resolve()
        except OSError as error:
            raise cannot_write(self.root, error) from error
        try:
            yield folder
        finally:
            remove_tree(folder)

    def clean(self) -> None:
        """Remove what killed processes left, and blobs that were not used for a month."""
        for left in self.root.glob(f"{_STAGING}*"):
            remove_tree(left)
        self.blobs.clean()
        for notes in (self.bases, self.pushed, self.loaded, self._compressed, self._made):
            notes.clean()

    def find(self, key: str) -> Layer | None:
        """Return the layer of *key*, None if it is unknown; its blob may be gone."""
        if key not in self._known:
            note = _parse_made(self._made.read(key))
            if note is None:
                return None
            self._known[key] = note
        return self._known[key][0]

    def get(self, key: str) -> Layer:
        """Return the layer of *key*, which must be there."""
        layer = self.find(key)
        if layer is None:
            raise EnvsyncError(f"A layer is gone from `{self.root}`", hint="run this again")
        return layer

    def list_paths(self, key: str) -> tuple[str, ...]:
        """Return the paths of the files in the layer of *key*, sorted."""
        self.get(key)
        return self._known[key][1]

    def add(self, key: str, files: Iterable[ImageFile], *, created_by: str) -> Layer:
        """Build a layer from *files* and store it as *key*."""
        with self.blobs.write() as writer:
            paths = write_tar(files, writer)
        layer = Layer(diff_id=writer.digest, size=writer.size, created_by=created_by)
        self._keep(key, layer, paths)
        return layer

    def join(self, key: str, layers: Sequence[Layer], *, created_by: str) -> Layer:
        """Join several layers, whose blobs are there, into one, and store it as *key*."""
        with self.blobs.write() as writer:
            _join([self.blobs.path(layer.diff_id) for layer in layers], writer)
        layer = Layer(diff_id=writer.digest, size=writer.size, created_by=created_by)
        self._keep(key, layer, ())
        return layer

    def is_compressed(self, layer: Layer) -> bool:
        """Return whether *layer* has a compressed form in the cache."""
        return self._find_compressed(layer) is not None

    def compress(self, layer: Layer) -> Layer:
        """Return *layer* with its compressed form, creating it if needed from its blob."""
        path = self._find_compressed(layer)
        if path is None:
            digest, path = self._compress(layer)
            self._compressed.write(_name(layer), digest)
        size = path.stat().st_size
        digest = parse_digest(f"sha256:{path.name}")
        return replace(layer, digest=digest, media_type=GZIP, compressed_size=size)

    def _find_compressed(self, layer: Layer) -> Path | None:
        try:
            return self.blobs.find(parse_digest(self._compressed.read(_name(layer))))
        except ValueError:  # there is no note, or a broken one
            return None

    def open_plain(self, layer: Layer) -> Iterator[bytes]:
        """Yield the bytes of *layer*'s plain tar."""
        try:
            with self.blobs.path(layer.diff_id).open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    yield chunk
        except OSError as error:
            raise EnvsyncError(
                f"Cannot read the layer `{layer.diff_id}` from the cache: {error.strerror}"
            ) from error

    def _compress(self, layer: Layer) -> tuple[Digest, Path]:
        packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
        with self.blobs.write() as writer:
            for chunk in self.open_plain(layer):
                writer.write(packer.compress(chunk))
            writer.write(packer.flush())
        return writer.digest, self.blobs.path(writer.digest)

    def _keep(self, key: str, layer: Layer, paths: Sequence[str]) -> None:
        made = {"diff_id": layer.diff_id, "size": layer.size, "created_by": layer.created_by}
        self._made.write(key, [made, paths])
        self._known[key] = layer, tuple(paths)


def _parse_made(note: object) -> tuple[Layer, tuple[str, ...]] | None:
    """Return the layer and the paths from *note*, None if it is broken."""
    if not isinstance(note, list) or len(note) != 2:  # noqa: PLR2004
        return None
    made, paths = note
    try:
        layer = Layer(
            diff_id=parse_digest(made["diff_id"]),
            size=parse_size(made["size"]),
            created_by=str(made["created_by"]),
        )
        return layer, tuple(str(path) for path in paths)
    except (LookupError, TypeError, ValueError):
        return None


def _name(layer: Layer) -> str:
    return layer.diff_id.removeprefix("sha256:")


def _join(archives: Sequence[Path], sink: Sink) -> None:
    """Write the members of *archives* as one archive, sorted, each directory once."""
    found: dict[str, tuple[Path, tarfile.TarInfo]] = {}
    ends: dict[int, int] = {}
    for archive in archives:
        with tarfile.open(archive, "r:") as opened:
            members = opened.getmembers()
            starts = [*(it.offset for it in members[1:]), opened.offset]
            for member, end in zip(members, starts, strict=True):
                found[member.name] = (archive, member)
                ends[id(member)] = end
    for _, (archive, member) in sorted(found.items()):
        with archive.open("rb") as stream:
            stream.seek(member.offset)
            sink.write(stream.read(ends[id(member)] - member.offset))
    sink.write(END)
