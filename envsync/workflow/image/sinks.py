"""Where an image goes: an engine, a file, a folder, a registry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envsync.files import remove_left_over, write_atomically
from envsync.image.formats import docker_archive, layout
from envsync.image.formats.docker_archive import dump_archive, holds_archive
from envsync.image.formats.layout import write_layout
from envsync.image.formats.manifest import dump_manifest
from envsync.model.image import parse_reference
from envsync.workflow.image.loading import load_into_engine
from envsync.workflow.image.shipment import Delivery, Shipment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envsync.model.image import ImageReference
    from envsync.model.progress import Reporter
    from envsync.workflow.image.assembly import Assembly
    from envsync.workflow.image.docker import LazyDocker


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
    assembly: Assembly, targets: Targets, *, docker: LazyDocker, reporter: Reporter
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
        deliveries.append(load_into_engine(shipment, tags, docker.get()))
    if targets.archive is not None:
        deliveries.append(_write_archive(shipment, tags, targets.archive))
    if targets.layout is not None:
        deliveries.append(_write_layout(shipment, tags, targets.layout))
    return (*deliveries, *(_push(shipment, reference) for reference in pushed))


def _write_archive(shipment: Shipment, tags: Sequence[ImageReference], path: Path) -> Delivery:
    image = shipment.content
    names = [str(tag) for tag in tags]
    if holds_archive(path, image, names):
        return Delivery(place=f"`{path}`", changed=False)
    shipment.provider.provide_plain(image.layers)
    sized = shipment.provider.measure(image.layers)
    shipment.reporter.step(f"Writing `{path}`", total=len(sized))
    archive = dump_archive(
        image,
        names,
        layers=sized,
        open_layer=shipment.open_layer,
        manifest=dump_manifest(image.config, [layer.plain for layer in sized]),
    )
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
            references=[tag.tag or "latest" for tag in tags],
            find_blob=shipment.provider.path,
        )
    return Delivery(
        place=f"`{path}`",
        changed=written.changed,
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


def _name_fully(reference: ImageReference) -> ImageReference:
    """Return *reference* with a tag: what Docker calls it when it says none."""
    return replace(reference, tag=reference.tag or "latest", digest=None)
