"""The story of `envsync verify --image`: what is in an image, held against the lock."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.realise.image.verification import compare_trees
from envsync.workflow.image_assembly import open_cache, plan_environment
from envsync.workflow.image_base import Engines, open_image
from envsync.workflow.image_project import load_project

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.model.progress import Reporter
    from envsync.realise.image.verification import Difference
    from envsync.workflow.image_assembly import ImageOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyOutcome:
    """What was found in an image: nothing, if it is what the lock says to the byte."""

    image: str
    package_count: int
    differences: tuple[Difference, ...]


def verify_image(
    directory: Path, image: str, *, options: ImageOptions, reporter: Reporter
) -> VerifyOutcome:
    """Hold the environment in *image* against the lock in *directory*; nothing of it is run.

    *image* is a name in this machine's engine or in a registry, an archive or an OCI layout.

    Raises:
        StaleLockError: the lock does not answer the definition.
        DefinitionError: the definition or the lock is wrong.
        EnvsyncError: the image or a package is out of reach.
    """
    project = load_project(directory, name=options.name, frozen=options.frozen)
    with contextlib.ExitStack() as stack:
        source = open_image(image, project, Engines(stack))
        found = source.load()
        cache = open_cache()
        environment = plan_environment(project, cache, budget=options.max_layers, reporter=reporter)
        made = environment.make() if environment is not None else ()
        if environment is not None:
            environment.ensure(made)
        with cache.lock():
            source.fetch(found.layers, cache.blobs)
            known = {each.layer.diff_id: each.layer.created_by for each in made}
            reporter.step(f"Reading `{image}`")
            differences = compare_trees(
                [(each.layer.created_by, cache.blobs.path(each.layer.diff_id)) for each in made],
                [
                    (known.get(layer.diff_id, ""), cache.blobs.path(layer.diff_id))
                    for layer in found.layers
                ],
                prefix=project.prefix,
            )
    return VerifyOutcome(image=image, package_count=len(project.packages), differences=differences)
