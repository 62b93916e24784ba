"""An image on its way: what is sent, and what is said of it when it has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envsync.model.image import Layer
    from envsync.model.progress import Reporter
    from envsync.workflow.image.assembly import Assembly


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """What came to be at one *place*: how many layers were sent, of how many bytes together.

    Nothing is *changed* where the image was there already. *digest* is the manifest's, where the
    place has one; an engine that *names_by_manifest* has that as the image's id.
    """

    place: str
    changed: bool
    sent: int = 0
    sent_bytes: int = 0
    digest: str | None = None
    names_by_manifest: bool = False


class Shipment:
    """An image under way: its content, what its bytes come from, and who hears of it."""

    def __init__(self, assembly: Assembly, reporter: Reporter) -> None:
        self.content = assembly.content
        self.base = assembly.base
        self.provider = assembly.provider
        self.cache = assembly.cache
        self.reporter = reporter

    def open_layer(self, layer: Layer) -> Iterator[bytes]:
        """Give the bytes of *layer*'s plain tar, and count it as gone when they are."""
        yield from self.cache.open_plain(layer)
        self.reporter.advance()

    def list_loaded(self, digest: str) -> tuple[str, ...]:
        """Return the plain layers that an engine has if it has the image *digest*, as was noted."""
        noted = self.cache.loaded.read(_file_name(digest))
        return tuple(map(str, noted)) if isinstance(noted, list) else ()

    def note_loaded(self, digest: str) -> None:
        """Write down that the image is *digest* to engines, with plain layers."""
        with self.cache.lock():
            diff_ids = [layer.diff_id for layer in self.content.layers]
            self.cache.loaded.write(_file_name(digest), diff_ids)


def _file_name(digest: str) -> str:
    return digest.removeprefix("sha256:")
