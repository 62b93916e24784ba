"""An image brought into an engine: only the layers that it lacks, and whole where it wants that."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from envsync.errors import EnvsyncError
from envsync.image.formats.config import parse_settings
from envsync.image.formats.docker_archive import dump_archive
from envsync.image.formats.manifest import MANIFEST, describe_bytes, dump_manifest
from envsync.workflow.image.shipment import Delivery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envsync.adapters.docker_engine import DockerEngine
    from envsync.image.formats.config import ImageContent
    from envsync.model.image import ImageReference, Layer
    from envsync.workflow.image.shipment import Shipment

_ENGINE = "Docker Engine"
_LABEL = "envsync.lock"


def load_into_engine(
    shipment: Shipment, tags: Sequence[ImageReference], engine: DockerEngine
) -> Delivery:
    """Have the image in *engine* under *tags*, which move last.

    Raises:
        EnvsyncError: a layer can't be had, or the engine does not take them.
    """
    image = shipment.content
    found = {tag: engine.inspect(str(tag)) for tag in tags}
    behind = [tag for tag, facts in found.items() if not _is_image(facts, image)]
    store = engine.layer_store()
    if not behind:
        names = {str(facts["Id"]) for facts in found.values() if facts} - {image.id}
        delivery = Delivery(place=_ENGINE, changed=False, names_by_manifest=bool(names))
        return replace(delivery, digest=min(names, default=None))
    if store == "content":
        return _load_content(shipment, behind, engine)
    if engine.find_image(image.id) is not None:
        for tag in behind:
            engine.tag(image.id, tag)
        return Delivery(place=_ENGINE, changed=True)
    known = _count_known(image, engine) if store == "chain" else 0
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
    config = json.loads(image.config)
    seconds = len("1980-01-01T00:00:00")
    return bool(
        (facts.get("RootFS") or {}).get("Layers") == config["rootfs"]["diff_ids"]
        and parse_settings(facts.get("Config") or {}) == parse_settings(config["config"])
        and str(facts.get("Created"))[:seconds] == config["created"][:seconds]
    )


def _count_known(image: ImageContent, engine: DockerEngine) -> int:
    diff_ids = [layer.diff_id for layer in image.layers]
    return engine.count_known_layers(diff_ids, label=_LABEL, base=image.base_id)


def _load_without(
    shipment: Shipment, tags: Sequence[ImageReference], engine: DockerEngine, known: int
) -> Delivery:
    image = shipment.content
    layers = image.layers[known:]
    shipment.provider.provide_plain(layers)
    sized = shipment.provider.measure(layers)
    names = [str(tag) for tag in tags]
    shipment.reporter.step("Loading layers into the Docker Engine", total=len(sized))
    engine.load(dump_archive(image, names, layers=sized, open_layer=shipment.open_layer))
    # Another build may have taken the names over by now, but not the image away.
    is_there = engine.find_image(image.id) is not None
    if not is_there and not any(_is_image(engine.inspect(name), image) for name in names):
        raise _lost(image.id)
    return _tell(sized)


def _load_content(
    shipment: Shipment, tags: Sequence[ImageReference], engine: DockerEngine
) -> Delivery:
    """Bring the image to an engine that keeps each layer by its digest, as a registry does.

    Its name for the image is the digest of the manifest, here that of the plain layers.
    """
    image = shipment.content
    unmeasured = [layer for layer in image.layers if not layer.size]
    shipment.provider.provide_plain(unmeasured)
    sizes = {layer.diff_id: layer.size for layer in shipment.provider.measure(unmeasured)}
    layers = [
        replace(layer.plain, size=layer.size or sizes[layer.diff_id]) for layer in image.layers
    ]
    manifest = dump_manifest(image.config, layers)
    digest = describe_bytes(manifest, MANIFEST).digest
    delivery = Delivery(place=_ENGINE, changed=True)
    if engine.find_image(digest) is None:
        there = {name for it in engine.list_images(_LABEL) for name in shipment.list_loaded(it)}
        lacking = [layer for layer in dict.fromkeys(layers) if layer.diff_id not in there]
        try:
            delivery = _load_blobs(shipment, manifest, lacking, engine)
        except EnvsyncError:
            if len(lacking) == len(layers):
                raise
            delivery = _load_blobs(shipment, manifest, list(dict.fromkeys(layers)), engine)
    shipment.note_loaded(digest)
    for tag in tags:
        engine.tag(digest, tag)
    return replace(delivery, digest=digest, names_by_manifest=True)


def _load_blobs(
    shipment: Shipment, manifest: bytes, layers: Sequence[Layer], engine: DockerEngine
) -> Delivery:
    image, digest = shipment.content, describe_bytes(manifest, MANIFEST).digest
    shipment.provider.provide_plain(layers)
    shipment.reporter.step("Loading layers into the Docker Engine", total=len(layers))
    archive = dump_archive(
        image, (), layers=layers, open_layer=shipment.open_layer, manifest=manifest
    )
    try:
        engine.load(archive)
    except EnvsyncError:
        engine.remove(digest)  # which may be there in part
        raise
    if engine.find_image(digest) is None:
        raise _lost(digest)
    return _tell(layers)


def _tell(layers: Sequence[Layer]) -> Delivery:
    return Delivery(
        place=_ENGINE,
        changed=True,
        sent=len(layers),
        sent_bytes=sum(layer.size for layer in layers),
    )


def _lost(name: str) -> EnvsyncError:
    return EnvsyncError(
        f"The Docker Engine took the image `{name}` and does not have it",
        hint="look into the engine's log, and run this again",
    )
