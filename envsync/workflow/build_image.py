"""The story of `envsync build-local --docker` and its kin: an image from the lock."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.model.image import SCRATCH, Image, parse_reference
from envsync.realise.image.arrangement import MOST_LAYERS
from envsync.realise.image.base_check import check_base
from envsync.realise.image.config import compose, extend, find_time, list_activation
from envsync.realise.image.environment import EnvironmentLayers, ImageEnvironment
from envsync.realise.image.layer_cache import LayerCache
from envsync.realise.image.provider import LayerProvider
from envsync.realise.location import find_home
from envsync.workflow.image_base import Engines, choose_base, find_path
from envsync.workflow.image_project import load_project
from envsync.workflow.image_sinks import Delivery, Shipment, deliver

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.errors import Finding
    from envsync.model.environment import EnvironmentSpec
    from envsync.model.image import BaseImage, ImageReference
    from envsync.model.progress import Reporter
    from envsync.realise.image.config import ImageContent
    from envsync.realise.image.environment import EnvironmentLayer
    from envsync.realise.image.staging import Stagers
    from envsync.workflow.image_project import ImageProject
    from envsync.workflow.image_sinks import Targets

LOCK_LABEL = "envsync.lock"

_LEAST_LAYERS = 8
_NO_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageOutcome:
    """An image and where it went; *run_options* are what the definition asks of `docker run`."""

    image: Image
    layer_count: int
    deliveries: tuple[Delivery, ...]
    run_options: tuple[str, ...]
    warnings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageOptions:
    """How an image is to differ from what the definition says: a *base*, a *name*.

    With *frozen* the lock is taken as it is, whether or not it answers the definition.
    """

    base: str | None = None
    name: str | None = None
    frozen: bool = False


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
    project = load_project(directory, name=options.name, frozen=options.frozen)
    targets = targets if targets.tags else replace(targets, tags=(_suggest_tag(project),))
    made_at = find_time(os.environ.get("SOURCE_DATE_EPOCH"))
    cache = LayerCache(find_home() / "cache" / "layers")
    with contextlib.ExitStack() as stack:
        engines = Engines(stack)
        base_name, source = choose_base(project, options.base, engines=engines, reporter=reporter)
        base = source.load()
        _check_platform(base, project)
        check_base(base, source, needed=project.glibc, cache=cache)
        environment = _plan(project, base, cache, reporter)
        made = environment.make() if environment is not None else ()
        content = _compose(project, base, base_name, made, made_at)
        provider = LayerProvider(environment, made, base=source, cache=cache, reporter=reporter)
        shipment = Shipment(
            content=content,
            base=_find_reference(base_name),
            provider=provider,
            cache=cache,
            reporter=reporter,
        )
        deliveries = deliver(shipment, targets, engines=engines)
    digests = [delivery.digest for delivery in deliveries if delivery.digest]
    return ImageOutcome(
        image=Image(id=content.id, tags=targets.tags, digest=digests[0] if digests else None),
        layer_count=len(content.layers),
        deliveries=deliveries,
        run_options=_list_run_options(project.spec),
        warnings=project.warnings,
    )


def _suggest_tag(project: ImageProject) -> str:
    """Return the tag that an image has if none is asked for."""
    name = _NO_NAME.sub("-", project.name.lower()).strip("-") or "environment"
    return f"{name}:latest"


def _plan(
    project: ImageProject, base: BaseImage, cache: LayerCache, reporter: Reporter
) -> EnvironmentLayers | None:
    """Return what makes the environment's layers, None where the base image has it all."""
    if not project.packages:
        return None
    conda = project.conda

    def load_stagers() -> Stagers:
        from envsync.adapters.rattler import RattlerInstaller, load_config
        from envsync.adapters.uv import UvUnpacker
        from envsync.realise.image.staging import Stagers

        return Stagers(
            conda=RattlerInstaller(load_config(), conda.channels if conda else ()),
            pip=UvUnpacker(conda.pip_options if conda else ()),
        )

    return EnvironmentLayers(
        ImageEnvironment(
            prefix=project.prefix,
            packages=project.packages,
            budget=max(_LEAST_LAYERS, MOST_LAYERS - len(base.layers)),
            requested=project.list_requested(),
            requested_pip=project.list_requested_pip(),
            variables=tuple(project.list_variables().items()),
        ),
        cache=cache,
        load_stagers=load_stagers,
        reporter=reporter,
    )


def _compose(
    project: ImageProject,
    base: BaseImage,
    base_name: str,
    made: tuple[EnvironmentLayer, ...],
    made_at: int,
) -> ImageContent:
    labels = {"org.opencontainers.image.title": project.name}
    if project.spec is not None and project.spec.version:
        labels["org.opencontainers.image.version"] = project.spec.version
    labels |= _describe_base(base_name)
    variables = {"AZUREML_ENVIRONMENT_IMAGE": "True", **project.list_variables()}
    command: tuple[str, ...] = ()
    if made:
        labels[LOCK_LABEL] = f"sha256:{project.lock_digest}"
        variables = {**list_activation(base.settings, prefix=project.prefix), **variables}
        command = (f"{project.prefix}/bin/python",)
    settings = extend(base.settings, variables=variables, labels=labels, command=command)
    return compose(base, settings, [each.layer for each in made], made_at=made_at)


def _describe_base(name: str) -> dict[str, str]:
    """Return labels that name the base image, unless it has no name but a path of this machine."""
    reference = _find_reference(name)
    if reference is None:
        return {}
    labels = {"org.opencontainers.image.base.name": str(reference)}
    if reference.digest is not None:
        labels["org.opencontainers.image.base.digest"] = reference.digest
    return labels


def _find_reference(name: str) -> ImageReference | None:
    """Return the image reference that *name* is; a path, or nothing at all, is none."""
    if name == SCRATCH or find_path(name) is not None:
        return None
    with contextlib.suppress(EnvsyncError):
        return parse_reference(name)
    return None


def _check_platform(base: BaseImage, project: ImageProject) -> None:
    if (base.os, base.architecture) != ("linux", project.architecture):
        raise EnvsyncError(
            f"Base image `{base.name}` is for `{base.os}/{base.architecture}`, and the "
            f"environment for `linux/{project.architecture}`",
            hint="choose another with `--base`",
        )


def _list_run_options(spec: EnvironmentSpec | None) -> tuple[str, ...]:
    """Return what the definition asks of those who run the image, as options of `docker run`."""
    if spec is None:
        return ()
    shm_size = ("--shm-size", spec.docker.shm_size) if spec.docker.shm_size else ()
    return (*shm_size, *spec.docker.arguments)
