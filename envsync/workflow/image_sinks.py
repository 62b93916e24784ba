"""Where an image goes: an engine, a file, a folder, a registry."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from envsync.errors import EnvsyncError
from envsync.files import remove_left_over, write_atomically
from envsync.model.image import parse_reference
from envsync.realise.image import docker_archive, layout
from envsync.realise.image.config import parse_settings
from envsync.realise.image.docker_archive import dump_archive, holds_archive
from envsync.realise.image.layout import write_layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from envsync.adapters.docker_engine import DockerEngine
    from envsync.model.image import ImageReference, Layer
    from envsync.model.progress import Reporter
    from envsync.realise.image.config import ImageContent
    from envsync.workflow.image_assembly import Assembly
    from envsync.workflow.image_base import Engines


_ENGINE = "Docker Engine"


@dataclass(frozen=True, kw_only=True, slots=True)
class Targets:
    """Where an image is to go, and the *tags* it is to have there.

    *push* are references in registries, which bring tags of their own.
    """

    tags: tuple[str, ...] = ()
    engine: bool = False
    archive: Path | None = None
    layout: Path | None = None
    push: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """What came to be at one *place*: how many layers were sent, of how many bytes together.

    Nothing is *changed* where the image was there already. *digest* is the manifest's.
    """

    place: str
    changed: bool
    sent: int = 0
    sent_bytes: int = 0
    digest: str | None = None


class Shipment:
    """An image under way: its content, what its bytes come from, and who hears of it."""

    def __init__(self, assembly: Assembly, reporter: Reporter) -> None:
        self.content = assembly.content
        self.base = assembly.base
        self.provider = assembly.provider
        self.cache = assembly.cache
        self.reporter = reporter


def check_targets(targets: Targets) -> None:
    """Refuse what nothing can be brought to, before any work is done.

    Raises:
        DefinitionError: a tag or reference is none.
        EnvsyncError: there is something else where a file or folder is to be.
    """
    for text in (*targets.tags, *targets.push):
        parse_reference(text)
    if targets.archive is not None:
        docker_archive.check_place(targets.archive)
    if targets.layout is not None:
        layout.check_place(targets.layout)


def deliver(
    assembly: Assembly, targets: Targets, *, engines: Engines, reporter: Reporter
) -> tuple[Delivery, ...]:
    """Bring the image to each of *targets*; the tags move last.

    Raises:
        DefinitionError: a tag or reference is none.
        EnvsyncError: a target can't be reached or written to; those before it are done.
    """
    tags = [_name_fully(parse_reference(tag)) for tag in targets.tags]
    pushed = [parse_reference(text) for text in targets.push]
    shipment = Shipment(assembly, reporter)
    deliveries = []
    if targets.engine:
        deliveries.append(_load(shipment, tags, engines.get()))
    if targets.archive is not None:
        deliveries.append(_write_archive(shipment, tags, targets.archive))
    if targets.layout is not None:
        deliveries.append(_write_layout(shipment, tags, targets.layout))
    return (*deliveries, *(_push(shipment, reference) for reference in pushed))


def _load(shipment: Shipment, tags: Sequence[ImageReference], engine: DockerEngine) -> Delivery:
    image = shipment.content
    found = {tag: engine.inspect(str(tag)) for tag in tags}
    behind = [tag for tag, facts in found.items() if not _is_image(facts, image)]
    if not behind:
        return Delivery(place=_ENGINE, changed=False)
    if engine.find_image(image.id) is not None:
        for tag in behind:
            engine.tag(image.id, tag)
        return Delivery(place=_ENGINE, changed=True)
    known = _count_known(image, engine)
    try:
        return _load_without(shipment, tags, engine, known)
    except EnvsyncError:
        if known == 0:
            raise
    # What the engine had when it was asked it may have dropped since.
    return _load_without(shipment, tags, engine, 0)


def _is_image(facts: dict[str, Any] | None, image: ImageContent) -> bool:
    """Say whether an engine's *facts* are of *image*, of which some engines tell no id."""
    if facts is None or facts["Id"] == image.id:
        return facts is not None
    layers = [layer.diff_id for layer in image.layers]
    settings = json.loads(image.config)["config"]
    return bool(
        (facts.get("RootFS") or {}).get("Layers") == layers
        and parse_settings(facts.get("Config") or {}) == parse_settings(settings)
    )


def _count_known(image: ImageContent, engine: DockerEngine) -> int:
    if not engine.keeps_layers_apart():
        return 0
    diff_ids = [layer.diff_id for layer in image.layers]
    return engine.count_known_layers(diff_ids, label="envsync.lock", base=image.base_id)


def _load_without(
    shipment: Shipment, tags: Sequence[ImageReference], engine: DockerEngine, known: int
) -> Delivery:
    image = shipment.content
    layers = image.layers[known:]
    shipment.provider.provide_plain(layers)
    sized = shipment.provider.measure(layers)
    shipment.reporter.step("Loading layers into the Docker Engine", total=len(sized))
    names = [str(tag) for tag in tags]
    engine.load(dump_archive(image, names, layers=sized, open_layer=_counted(shipment)))
    # Another build may have taken the names over by now, but not the image away.
    is_there = engine.find_image(image.id) is not None
    if not is_there and not any(_is_image(engine.inspect(name), image) for name in names):
        raise EnvsyncError(
            f"The Docker Engine took the image `{image.id}` and does not have it",
            hint="look into the engine's log, and run this again",
        )
    return Delivery(
        place=_ENGINE,
        changed=True,
        sent=len(sized),
        sent_bytes=sum(layer.size for layer in sized),
    )


def _write_archive(shipment: Shipment, tags: Sequence[ImageReference], path: Path) -> Delivery:
    image = shipment.content
    names = [str(tag) for tag in tags]
    if holds_archive(path, image, names):
        return Delivery(place=f"`{path}`", changed=False)
    shipment.provider.provide_plain(image.layers)
    sized = shipment.provider.measure(image.layers)
    shipment.reporter.step(f"Writing `{path}`", total=len(sized))
    archive = dump_archive(image, names, layers=sized, open_layer=_counted(shipment))
    remove_left_over(path)
    write_atomically(path, archive)
    return Delivery(
        place=f"`{path}`",
        changed=True,
        sent=len(sized),
        sent_bytes=sum(layer.size for layer in sized),
    )


def _write_layout(shipment: Shipment, tags: Sequence[ImageReference], path: Path) -> Delivery:
    layers = shipment.provider.compress(shipment.content.layers)
    shipment.provider.provide_compressed(layers)
    shipment.reporter.step(f"Writing `{path}`")
    with shipment.cache.lock():
        written = write_layout(
            path,
            shipment.content,
            layers=layers,
            reference=tags[0].tag or "latest",
            find_blob=shipment.provider.path,
        )
    return Delivery(
        place=f"`{path}`",
        changed=written.digest in written.copied,
        sent=sum(layer.digest in written.copied for layer in layers),
        sent_bytes=sum(it.compressed_size for it in layers if it.digest in written.copied),
        digest=written.digest,
    )


def _push(shipment: Shipment, reference: ImageReference) -> Delivery:
    from envsync.adapters.registry import push

    layers = shipment.provider.compress(shipment.content.layers)
    pushed = push(
        reference,
        shipment.content.config,
        layers,
        provider=shipment.provider,
        base=shipment.base,
        reporter=shipment.reporter,
    )
    return Delivery(
        place=f"`{reference}`",
        changed=pushed.changed,
        sent=pushed.sent,
        sent_bytes=pushed.sent_bytes,
        digest=pushed.digest,
    )


def _counted(shipment: Shipment) -> Callable[[Layer], Iterator[bytes]]:
    def open_layer(layer: Layer) -> Iterator[bytes]:
        yield from shipment.cache.open_plain(layer)
        shipment.reporter.advance()

    return open_layer


def _name_fully(reference: ImageReference) -> ImageReference:
    """Return *reference* with a tag: what Docker calls it when it says none."""
    return replace(reference, tag=reference.tag or "latest", digest=None)
