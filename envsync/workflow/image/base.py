"""Which image to build upon, and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.errors import DefinitionError, EnvsyncError
from envsync.files import make_temporary
from envsync.image.base.base import FileSource, ScratchSource
from envsync.lock.base_image import find_base
from envsync.model.image import SCRATCH, parse_reference
from envsync.workflow.image.locked_base import open_locked
from envsync.workflow.lock.base.image import describe_open, find_reference
from envsync.workflow.lock.base.name import find_path

if TYPE_CHECKING:
    from envsync.adapters.docker_engine import DockerEngine
    from envsync.image.base.base import BaseSource
    from envsync.model.environment import BuildContext, EnvironmentSpec, ImageRegistry
    from envsync.model.progress import Reporter
    from envsync.workflow.image.docker import LazyDocker
    from envsync.workflow.image.project import ImageProject


def choose_base(
    project: ImageProject, asked: str | None, *, docker: LazyDocker, reporter: Reporter
) -> tuple[str, BaseSource]:
    """Return the name and the source of the base image *asked* for, else of the lock's.

    Where the lock has no digest of it, it is the definition's. A name is looked up in the engine
    of this machine first, as Docker does, and then in its registry. A Dockerfile is built by the
    engine.

    Raises:
        DefinitionError: there is none.
        EnvsyncError: a Dockerfile can't be built, or the image of the lock is not to be had.
    """
    spec, locked = project.spec, project.base
    if asked is not None:
        return asked, open_image(asked, project, docker)
    if locked is not None and locked.digest is not None:
        return str(locked), open_locked(locked, project, docker)
    if spec is None and locked is not None and locked.name:
        return locked.name, open_image(locked.name, project, docker)
    if spec is None:
        raise DefinitionError("A lockfile alone names no base image", hint="name one with `--base`")
    if spec.base_dockerfile is not None or spec.build_context is not None:
        from envsync.adapters.docker_engine import EngineSource

        reporter.step("Building the definition's Dockerfile")
        image = _build(spec, docker.get(), f"linux/{project.architecture}")
        return "the definition's Dockerfile", EngineSource(docker.get(), image)
    name = spec.base_image_name
    if not name:
        raise DefinitionError("The definition names no base image", hint="name one with `--base`")
    if project.packages and find_reference(find_base(spec)) is not None:
        reporter.note(describe_open(find_base(spec), spec.directory))
    return name, open_image(name, project, docker)


def open_image(name: str, project: ImageProject, docker: LazyDocker) -> BaseSource:
    """Return where the image *name* is to be had, for the platform of *project*.

    Raises:
        DefinitionError: it is neither a path nor an image reference.
    """
    registry = project.spec.registry if project.spec is not None else None
    return find_image(name, docker, architecture=project.architecture, registry=registry)


def find_image(
    name: str, docker: LazyDocker, *, architecture: str, registry: ImageRegistry | None = None
) -> BaseSource:
    """Return where the image *name* is to be had: a path, this machine's engine or a registry.

    *registry* has the credentials for the latter, if anything but the user's own has.

    Raises:
        DefinitionError: it is neither a path nor an image reference.
    """
    if not name:
        raise DefinitionError("An image has no name", hint="give a name, or a path")
    if name == SCRATCH:
        return ScratchSource(os="linux", architecture=architecture)
    path = find_path(name)
    if path is not None:
        return FileSource(path, os="linux", architecture=architecture)
    reference = parse_reference(name)
    engine = docker.find()
    if engine is not None and engine.find_image(str(reference)) is not None:
        from envsync.adapters.docker_engine import EngineSource

        return EngineSource(engine, str(reference))
    from envsync.adapters.registry import RegistrySource

    source = RegistrySource(reference, architecture=architecture, registry=registry)
    docker.stack.callback(source.close)
    return source


def _build(spec: EnvironmentSpec, engine: DockerEngine, platform: str) -> str:
    if spec.base_dockerfile is not None:
        with make_temporary() as folder:
            (folder / "Dockerfile").write_text(spec.base_dockerfile, encoding="utf-8")
            return engine.build(folder, dockerfile="Dockerfile", platform=platform)
    context: BuildContext | None = spec.build_context
    if context is None or context.location_type != "local" or context.location is None:
        kind = context.location_type if context is not None else "local"
        raise EnvsyncError(
            f"A build context of type `{kind}` is out of reach",
            hint="fetch it, and name it as a folder; or name a base image with `--base`",
        )
    folder = spec.directory / context.location
    return engine.build(
        folder, dockerfile=context.dockerfile_path or "Dockerfile", platform=platform
    )
