"""An image put together: from a definition, its lock and a base image, to bytes to be had."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError, Finding
from envsync.image.base.base_check import check_base
from envsync.image.formats.config import compose, extend, find_time, list_activation
from envsync.image.packages.arrangement import MOST_LAYERS
from envsync.image.packages.environment import EnvironmentLayers, ImageEnvironment
from envsync.image.provider import LayerProvider
from envsync.image.store.layer_cache import LayerCache
from envsync.lock.formats.source_code import refuse_builds
from envsync.model.image import SCRATCH, parse_reference
from envsync.prefix.location import find_home
from envsync.workflow.image.base import choose_base
from envsync.workflow.image.project import load_project
from envsync.workflow.lock.base.name import find_path
from envsync.workflow.lock.pip.places import load_pip_unpacker

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from envsync.image.formats.config import ImageContent
    from envsync.image.packages.staging import Stagers
    from envsync.model.image import BaseImage, ImageReference, ImageSettings
    from envsync.model.progress import Reporter
    from envsync.workflow.image.docker import LazyDocker
    from envsync.workflow.image.project import ImageProject

LOCK_LABEL = "envsync.lock"

_LEAST_LAYERS = 6  # of the environment's own, whatever the base brings


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageOptions:
    """How an image is to differ from what the definition says: a *base*, a *name*.

    With *frozen* the lock is taken as it is, whether or not it answers the definition. With
    *no_build* a lock that has source code is refused. The image has at most *max_layers*, those
    of its base included.
    """

    base: str | None = None
    name: str | None = None
    frozen: bool = False
    no_build: bool = False
    max_layers: int = MOST_LAYERS


@dataclass(frozen=True, kw_only=True, slots=True)
class Assembly:
    """An image's *content* and what its bytes come from.

    *base_name* is what the base image was asked for by, and *base* that as a reference, if it is
    one.
    """

    project: ImageProject
    content: ImageContent
    settings: ImageSettings
    base_image: BaseImage
    base_name: str
    provider: LayerProvider
    cache: LayerCache
    warnings: tuple[Finding, ...]

    @property
    def base(self) -> ImageReference | None:
        """The reference of the base image; a path, or nothing at all, has none."""
        return _find_reference(self.base_name)


def assemble(
    directory: Path, options: ImageOptions, *, docker: LazyDocker, reporter: Reporter
) -> Assembly:
    """Put together the image that the lock in *directory* describes.

    Layers that nothing is known of are made; no other bytes are had yet.

    Raises:
        StaleLockError: the lock does not answer the definition.
        DefinitionError: the definition or the lock is wrong.
        EnvsyncError: a package or the base image is out of reach, or does not fit.
    """
    project = load_project(directory, name=options.name, frozen=options.frozen)
    if options.no_build:
        refuse_builds(project.packages, file=str(directory))
    made_at = find_time(os.environ.get("SOURCE_DATE_EPOCH"))
    cache = open_cache()
    base_name, source = choose_base(project, options.base, docker=docker, reporter=reporter)
    base = source.load()
    _check_platform(base, project)
    if base.layers:
        check_base(base, source, needed=project.glibc, cache=cache)
    budget = max(_LEAST_LAYERS, options.max_layers - len(base.layers))
    environment = plan_environment(project, cache, budget=budget, reporter=reporter)
    made = environment.make() if environment is not None else ()
    if environment is not None and not base.layers:
        _check_loaders(environment)
    variables, warnings = _list_variables(project, base, environment)
    settings = extend(
        base.settings,
        variables=variables,
        labels=_list_labels(project, base_name),
        command=(f"{project.prefix}/bin/python",) if made else (),
    )
    return Assembly(
        project=project,
        content=compose(base, settings, [each.layer for each in made], made_at=made_at),
        settings=settings,
        base_image=base,
        base_name=base_name,
        provider=LayerProvider(environment, made, base=source, cache=cache, reporter=reporter),
        cache=cache,
        warnings=(*project.warnings, *warnings),
    )


def open_cache() -> LayerCache:
    """Return this user's cache of layers."""
    return LayerCache(find_home() / "cache" / "layers")


def plan_environment(
    project: ImageProject, cache: LayerCache, *, budget: int, reporter: Reporter
) -> EnvironmentLayers | None:
    """Return what makes the environment's layers, None where the base image has it all.

    There will be at most *budget* of them.
    """
    if not project.packages:
        return None
    conda = project.conda

    def load_stagers() -> Stagers:
        from envsync.adapters.rattler import RattlerInstaller, find_network, load_config
        from envsync.image.packages.staging import Stagers

        config = load_config()
        return Stagers(
            conda=RattlerInstaller(config, conda.channels if conda else ()),
            pip=load_pip_unpacker(project.places, network=find_network(config), reporter=reporter),
        )

    return EnvironmentLayers(
        ImageEnvironment(
            prefix=project.prefix,
            packages=project.packages,
            budget=budget,
            requested=project.list_requested(),
            requested_pip=project.list_requested_pip(),
            variables=tuple(project.list_variables().items()),
        ),
        cache=cache,
        load_stagers=load_stagers,
        reporter=reporter,
    )


def _check_loaders(environment: EnvironmentLayers) -> None:
    """Refuse to build upon nothing what needs something."""
    for program, loader in environment.find_missing_loaders().items():
        raise EnvsyncError(
            f"`{SCRATCH}` has no `{loader}`, which `{program}` needs to start",
            hint="choose a base image with `--base`",
        )


def _list_variables(
    project: ImageProject, base: BaseImage, environment: EnvironmentLayers | None
) -> tuple[Mapping[str, str], tuple[Finding, ...]]:
    """Return the variables of the image, and a finding for each script that is not understood."""
    own = {"AZUREML_ENVIRONMENT_IMAGE": "True", **project.list_variables()}
    if environment is None:
        return own, ()
    active = list_activation(base.settings, prefix=project.prefix)
    known = dict(entry.partition("=")[::2] for entry in base.settings.environment)
    activation = environment.read_activation({**known, **active})
    findings = tuple(
        Finding(
            file=path,
            message="does more than envsync understands: what it sets is missing in the image",
            hint="set it under `environmentVariables`",
        )
        for path in activation.not_understood
    )
    return {**active, **dict(activation.variables), **own}, findings


def _list_labels(project: ImageProject, base_name: str) -> dict[str, str]:
    labels = {"org.opencontainers.image.title": project.name}
    if project.spec is not None and project.spec.version:
        labels["org.opencontainers.image.version"] = project.spec.version
    if project.packages:
        labels[LOCK_LABEL] = f"sha256:{project.lock_digest}"
    reference = _find_reference(base_name)  # a path differs from machine to machine
    if reference is not None:
        labels["org.opencontainers.image.base.name"] = str(reference)
    if reference is not None and reference.digest is not None:
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
