"""The story of `envsync build-local --docker` and its kin: an image from the lock."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envsync.model.image import Image
from envsync.workflow.image.assembly import ImageOptions, assemble
from envsync.workflow.image.docker import LazyDocker
from envsync.workflow.image.sinks import Targets, check_targets, deliver

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.errors import Finding
    from envsync.model.environment import EnvironmentSpec
    from envsync.model.progress import Reporter
    from envsync.workflow.image.shipment import Delivery

__all__ = ["ImageOptions", "ImageOutcome", "Targets", "build_image"]

_NO_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageOutcome:
    """An image and where it went; *run_options* are what the definition asks of `docker run`."""

    image: Image
    layer_count: int
    deliveries: tuple[Delivery, ...]
    run_options: tuple[str, ...]
    warnings: tuple[Finding, ...]


def build_image(
    directory: Path, *, targets: Targets, options: ImageOptions, reporter: Reporter
) -> ImageOutcome:
    """Make the image that the lock in *directory* describes, and bring it to *targets*.

    Without targets its id is found out, and nothing else.

    Raises:
        StaleLockError: the lock does not answer the definition.
        DefinitionError: the definition, the lock or a name of the image is wrong.
        EnvsyncError: a package, the base image or a target is out of reach.
    """
    check_targets(targets)
    with contextlib.ExitStack() as stack:
        docker = LazyDocker(stack)
        if targets.engine:
            docker.get()  # without which all work would be in vain
        assembly = assemble(directory, options, docker=docker, reporter=reporter)
        tags = targets.tags or (_suggest_tag(assembly.project.name),)
        deliveries = deliver(
            assembly, replace(targets, tags=tags), docker=docker, reporter=reporter
        )
    is_here = bool(targets.engine or targets.archive or targets.layout or not targets.push)
    names = (*(tags if is_here else ()), *targets.push)
    by_use = sorted(deliveries, key=lambda delivery: delivery.names_by_manifest)
    digests = [delivery.digest for delivery in by_use if delivery.digest]
    return ImageOutcome(
        image=Image(id=assembly.content.id, tags=names, digest=digests[0] if digests else None),
        layer_count=len(assembly.content.layers),
        deliveries=deliveries,
        run_options=_list_run_options(assembly.project.spec),
        warnings=assembly.warnings,
    )


def _suggest_tag(environment: str) -> str:
    """Return the tag that an image of *environment* has if none is asked for."""
    name = _NO_NAME.sub("-", environment.lower()).strip("-") or "environment"
    return f"{name}:latest"


def _list_run_options(spec: EnvironmentSpec | None) -> tuple[str, ...]:
    """Return what the definition asks of those who run the image, as options of `docker run`."""
    if spec is None:
        return ()
    shm_size = ("--shm-size", spec.docker.shm_size) if spec.docker.shm_size else ()
    return (*shm_size, *spec.docker.arguments)
