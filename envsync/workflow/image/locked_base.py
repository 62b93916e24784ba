"""The base image that a lock names by digest: that one, or none."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.lock.base_image import find_base
from envsync.model.image import parse_reference
from envsync.model.text.wording import shell_quote
from envsync.workflow.lock.base.image import name_for_update

if TYPE_CHECKING:
    from envsync.adapters.docker_engine import EngineSource
    from envsync.image.base.base import BaseSource
    from envsync.lock.base_image import LockedBase
    from envsync.model.environment import ImageRegistry
    from envsync.model.image import ImageReference
    from envsync.workflow.image.docker import LazyDocker
    from envsync.workflow.image.project import ImageProject


def open_locked(base: LockedBase, project: ImageProject, docker: LazyDocker) -> BaseSource:
    """Return where *base* is to be had: this machine's engine if it has it, else its registry.

    Raises:
        EnvsyncError: neither has it, whatever they have under its tag.
    """
    tagged = parse_reference(base.name)
    pinned = replace(tagged, tag=None, digest=base.digest)
    found = _find_in_engine(pinned, project, docker)
    if found is not None:
        return found
    from envsync.adapters.registry import ImageNotFoundError, RegistrySource

    credentials = _find_credentials(base, project)
    source = RegistrySource(pinned, architecture=project.architecture, registry=credentials)
    docker.stack.callback(source.close)
    try:
        source.load()
    except ImageNotFoundError as error:
        raise _explain_gone(base, tagged, project, credentials) from error
    except EnvsyncError as error:
        raise _explain_other(base, tagged, docker, error) or error from error
    return source


def _find_in_engine(
    pinned: ImageReference, project: ImageProject, docker: LazyDocker
) -> EngineSource | None:
    """Return *pinned* as the engine has it, None where it has not, or for another platform."""
    engine = docker.find()
    if engine is None or engine.find_image(str(pinned)) is None:
        return None
    from envsync.adapters.docker_engine import EngineSource

    source = EngineSource(engine, str(pinned))
    image = source.load()
    return source if (image.os, image.architecture) == ("linux", project.architecture) else None


def _find_credentials(base: LockedBase, project: ImageProject) -> ImageRegistry | None:
    """Return the definition's credentials, which are for its own image alone."""
    spec = project.spec
    return spec.registry if spec is not None and find_base(spec).name == base.name else None


def _explain_gone(
    base: LockedBase,
    tagged: ImageReference,
    project: ImageProject,
    credentials: ImageRegistry | None,
) -> EnvsyncError:
    from envsync.adapters.registry import RegistrySource

    message = f"Registry `{tagged.registry}` no longer has `{base}`, which the lock builds upon"
    source = RegistrySource(tagged, architecture=project.architecture, registry=credentials)
    with contextlib.suppress(EnvsyncError), contextlib.closing(source):
        now = source.find_digest()
        folder = shell_quote(project.spec.directory) if project.spec is not None else "DIR"
        command = f"envsync lock {folder} --update {name_for_update(base)}"
        return EnvsyncError(
            f"{message}; `{tagged}` is `{now}` now",
            hint=f"run `{command}`, or name another with `--base`",
        )
    return EnvsyncError(message, hint="name another in the definition, or with `--base`")


def _explain_other(
    base: LockedBase, tagged: ImageReference, docker: LazyDocker, error: EnvsyncError
) -> EnvsyncError | None:
    """Return what to say where the engine has another image under the tag, else None."""
    engine = docker.find()
    if engine is None or engine.find_image(str(tagged)) is None:
        return None
    digest = engine.find_digest(tagged)
    has = f"as `{digest}`" if digest else "without a digest"
    return EnvsyncError(
        f"The lock builds upon `{base}`, and the Docker Engine has `{tagged}` {has}: "
        f"{error.message}",
        hint=f"let the registry be reached, or build upon that with `--base {base.name}`",
    )
