"""The story of `envsync verify --image`: what is in an image, held against the lock."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.image.content.tree import read_tree
from envsync.image.content.verification import compare_trees
from envsync.lock.deviation import find_deviations
from envsync.package.comparison import compare_files
from envsync.workflow.environment.verify import VerifyOutcome
from envsync.workflow.image.assembly import LOCK_LABEL, open_cache, plan_environment
from envsync.workflow.image.base import open_image
from envsync.workflow.image.content import read_content
from envsync.workflow.image.docker import LazyDocker
from envsync.workflow.image.project import load_project

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envsync.image.packages.environment import EnvironmentLayer
    from envsync.image.store.layer_cache import LayerCache
    from envsync.lock.diff import Change
    from envsync.model.progress import Reporter
    from envsync.package.comparison import FileDifference
    from envsync.workflow.image.assembly import ImageOptions
    from envsync.workflow.image.content import ImageContent
    from envsync.workflow.image.project import ImageProject


def verify_image(
    directory: Path,
    image: str,
    *,
    options: ImageOptions,
    prefix: str | None = None,
    reporter: Reporter,
) -> VerifyOutcome:
    """Hold the environment in *image* against the lock in *directory*; nothing of it is run.

    *image* is a name in this machine's engine or in a registry, an archive or an OCI layout;
    *prefix* is where the environment lies in it, if not where envsync puts it or its variables
    say. The files of an image by envsync are held against what the lock comes to, those of
    others against the records of their own packages.

    Raises:
        StaleLockError: the lock does not answer the definition.
        DefinitionError: the definition or the lock is wrong.
        EnvsyncError: the image or a package is out of reach, or there is no environment in it.
    """
    project = load_project(directory, name=options.name, frozen=options.frozen)
    if not project.packages:
        raise DefinitionError("The definition leaves the packages to its image: none are locked")
    cache = open_cache()
    with contextlib.ExitStack() as stack:
        source = open_image(image, project, LazyDocker(stack))
        found = source.load()
        is_ours = LOCK_LABEL in dict(found.settings.labels) and prefix is None
        made = _make_layers(project, cache, options, reporter) if is_ours else ()
        titles = {each.layer.diff_id: each.layer.created_by for each in made}
        with cache.lock():
            reporter.step(f"Reading `{image}`")
            source.fetch(found.layers, cache.blobs)
            content = read_content(
                found,
                [(titles.get(it.diff_id, ""), cache.blobs.path(it.diff_id)) for it in found.layers],
                subdir=project.packages[0].subdir,
                prefix=prefix,
                likely=project.prefix,
            )
            files = (
                _compare_with_lock(content, made, cache)
                if made and content.prefix == project.prefix
                else compare_files(
                    content.claims, {path: each.found for path, each in content.tree.items()}
                )
            )
    from envsync.adapters.versions import is_newer

    changes = find_deviations(project.packages, content.packages, is_newer=is_newer)
    return VerifyOutcome(
        place=image,
        prefix=content.prefix,
        package_count=len(project.packages),
        changes=changes,
        files=_leave_out(files, changes, content),
    )


def _make_layers(
    project: ImageProject, cache: LayerCache, options: ImageOptions, reporter: Reporter
) -> Sequence[EnvironmentLayer]:
    """Have the layers that the lock comes to, each of a single package, in *cache*."""
    environment = plan_environment(
        project, cache, budget=max(options.max_layers, len(project.packages) + 2), reporter=reporter
    )
    if environment is None:
        return ()
    made = environment.make()
    environment.ensure(made)
    return made


def _compare_with_lock(
    content: ImageContent, made: Sequence[EnvironmentLayer], cache: LayerCache
) -> tuple[FileDifference, ...]:
    layers = [(it.layer.created_by, cache.blobs.path(it.layer.diff_id)) for it in made]
    return compare_trees(read_tree(layers, content.prefix), content.tree)


def _leave_out(
    files: Sequence[FileDifference], changes: Sequence[Change], content: ImageContent
) -> tuple[FileDifference, ...]:
    """Return *files* without those of packages that are others as a whole."""
    changed = {
        f"{each.manager} {each.name}"
        for change in changes
        for each in (change.before, change.after)
        if each is not None
    }
    if not changed:
        return tuple(files)

    def is_of_changed(file: FileDifference) -> bool:
        claims = content.claims.get(file.path, ())
        titles = [file.package, *(claim.package for claim in claims)]
        return any(" ".join(title.split(" ")[:2]) in changed for title in titles)

    return tuple(file for file in files if not is_of_changed(file))
