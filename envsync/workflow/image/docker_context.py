"""The story of `envsync save-to-directory --docker-context`."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.files import cannot_write, exchange, make_aside, remove_left_over
from envsync.image.formats.dockerfile import dump_dockerfile
from envsync.model.image import SCRATCH
from envsync.workflow.image.assembly import assemble
from envsync.workflow.image.docker import LazyDocker

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.errors import Finding
    from envsync.model.image import BaseImage
    from envsync.model.progress import Reporter
    from envsync.workflow.image.assembly import Assembly, ImageOptions

DOCKERFILE = "Dockerfile"
_LAYERS = "layers"


def write_docker_context(
    directory: Path,
    target: Path,
    *,
    options: ImageOptions,
    overwrite: bool,
    reporter: Reporter,
) -> tuple[Finding, ...]:
    """Write the image that the lock in *directory* describes to *target*, to be built elsewhere.

    It is there whole or not at all. With *overwrite* it takes the place of another such context.

    Raises:
        StaleLockError: the lock does not answer the definition.
        DefinitionError: the definition or the lock is wrong.
        EnvsyncError: a package or the base image is out of reach, or *target* is something else.
    """
    _check_target(target, overwrite=overwrite)
    with contextlib.ExitStack() as stack:
        docker = LazyDocker(stack)
        assembly = assemble(directory, options, docker=docker, reporter=reporter)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            remove_left_over(target)
            with make_aside(target, folder=True) as made:
                _fill(made, assembly)
                made.chmod(0o755)
                _replace(target, made)
        except OSError as error:
            raise cannot_write(target, error) from error
    return assembly.warnings


def _check_target(target: Path, *, overwrite: bool) -> None:
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if not (target / DOCKERFILE).is_file() or not (target / _LAYERS).is_dir():
        raise EnvsyncError(f"`{target}` is there and is no Docker context of envsync's")
    if not overwrite:
        raise EnvsyncError(f"`{target}` is there already", hint="replace it with `--overwrite`")


def _fill(folder: Path, assembly: Assembly) -> None:
    base = assembly.base_image
    own = assembly.content.layers[len(base.layers) :]
    packed = assembly.provider.compress(own)
    (folder / _LAYERS).mkdir()
    paths = []
    for number, layer in enumerate(packed):
        paths.append(f"{_LAYERS}/{number:03}.tar.gz")
        shutil.copyfile(assembly.provider.path(layer.digest or layer.diff_id), folder / paths[-1])
    text = dump_dockerfile(
        f"{_dump_platform(base)}{_name_base(assembly)}",
        layers=paths,
        before=base.settings,
        after=assembly.settings,
    )
    (folder / DOCKERFILE).write_text(text, encoding="utf-8")


def _dump_platform(base: BaseImage) -> str:
    """Return the flag for an image that the machine which builds must not choose by itself."""
    return f"--platform={base.os}/{base.architecture} " if base.layers else ""


def _name_base(assembly: Assembly) -> str:
    """Return what to build upon: the digest if it is known, as a tag may move."""
    reference = assembly.base
    if reference is None:
        if assembly.base_name == SCRATCH:
            return SCRATCH
        raise EnvsyncError(
            f"A Dockerfile can't name `{assembly.base_name}` to be built upon",
            hint="name an image in a registry as the base image",
        )
    digest = assembly.base_image.digest
    return f"{reference.familiar_name}@{digest}" if digest else str(reference)


def _replace(target: Path, made: Path) -> None:
    """Move *made* to *target*, in the place of what is there, which takes that of *made*."""
    if not target.is_dir() or not any(target.iterdir()):
        made.rename(target)
    elif not exchange(made, target):
        with make_aside(target, folder=True) as old:
            target.rename(old)
            try:
                made.rename(target)
            except OSError:
                old.rename(target)
                raise
