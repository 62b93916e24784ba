"""An environment as scripts for the Azure ML SDK handle it, without a workspace."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn, overload

from envsync import definition as definitions
from envsync.definition.losses import find_left_behind, find_losses
from envsync.definition.targets import hold_in_v1
from envsync.errors import DefinitionError, EnvsyncError
from envsync.model.environment_name import check_environment_name
from envsync.model.progress import SilentReporter
from envsync.sdk import command
from envsync.sdk import source as sources
from envsync.sdk.environment.conversion import (
    EnvironmentAttributes,
    EnvironmentOrigin,
    fill_from_spec,
    make_spec,
)
from envsync.sdk.environment.package_text import check_text
from envsync.sdk.environment.sections import DockerSection, read_dockerfile
from envsync.sdk.place import check_conda, is_same
from envsync.sdk.workspace import check_workspace_arguments
from envsync.workflow.lock.options import LockOptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envsync.errors import Finding
    from envsync.model.environment import EnvironmentSpec
    from envsync.model.image import Image
    from envsync.model.progress import Reporter
    from envsync.sdk.environment.sections import ContainerRegistry, DockerBuildContext
    from envsync.sdk.results import CheckResult
    from envsync.sdk.source import StrPath
    from envsync.workflow.environment.build import BuildOutcome
    from envsync.workflow.lock.options import LockOutcome


@dataclass(slots=True, eq=False, repr=False)
class Environment(EnvironmentAttributes):
    """A definition of an environment, to be changed, saved, locked and built on this machine.

    A new one has the defaults of azureml-core, but for its example variable, and for the conda
    dependencies, of which `CondaDependencies` tells. Attributes are called as in the SDK; one
    that doesn't exist can't be set.

    Once loaded or saved, an environment belongs to its directory: `lock` writes `conda-lock.yml`
    there, and what was changed since has to be saved before it is locked or built. Any other is
    locked and built under envsync's home by its name.

    Every failure is an `EnvsyncError` with a message and a hint. Nothing is printed.
    """

    def __post_init__(self) -> None:
        check_environment_name(check_text(self.name, "the name of an environment"))

    @classmethod
    def from_spec(
        cls, spec: EnvironmentSpec, *, source: Path | None = None, warnings: Iterable[Finding] = ()
    ) -> Environment:
        """Return what *spec* says, as an object that can be changed."""
        environment = cls("environment")
        fill_from_spec(environment, spec)
        origin = environment.origin
        environment.origin = replace(origin, source=source, warnings=tuple(warnings))
        return environment

    def to_spec(self) -> EnvironmentSpec:
        """Return a frozen copy, checked.

        Raises:
            DefinitionError: an attribute holds what a definition can't.
        """
        return make_spec(self)

    @staticmethod
    def load_from_directory(path: StrPath) -> Environment:
        """Return the definition in the directory *path*, or any other that `envsync lock` takes.

        What its author should know is in `origin.warnings`.

        Raises:
            DefinitionError: it is wrong; the error holds every finding.
        """
        loaded = definitions.load(Path(path))
        return Environment.from_spec(loaded.spec, source=Path(path), warnings=loaded.warnings)

    @staticmethod
    def from_conda_specification(name: str, file_path: StrPath) -> Environment:
        """Return a new environment with the conda environment file *file_path*.

        The file is taken as it is: the SDK would replace a Python that it can't read, or add one.
        """
        environment = Environment(name)
        environment._take(sources.read_conda_specification(file_path))
        return environment

    @staticmethod
    def from_pip_requirements(
        name: str, file_path: StrPath, pip_version: str | None = None
    ) -> Environment:
        """Return a new environment with the default Python, pip and a requirements file."""
        environment = Environment(name)
        environment._take(sources.read_pip_requirements(file_path, pip_version))
        return environment

    @staticmethod
    def from_existing_conda_environment(name: str, conda_environment_name: StrPath) -> Environment:
        """Return a definition that gives what a conda environment on this machine has.

        It is told by its path, or by its name where conda or envsync knows it. No conda program
        is needed.
        """
        prefix = sources.find_prefix(conda_environment_name)
        loaded = definitions.load(prefix, source_format="prefix")
        found = Environment.from_spec(replace(loaded.spec, name=name), warnings=loaded.warnings)
        found.docker = DockerSection(platform=found.docker.platform)
        return found

    @staticmethod
    def from_docker_image(
        name: str,
        image: str,
        container_registry: ContainerRegistry | None = None,
        conda_specification: StrPath | None = None,
        pip_requirements: StrPath | None = None,
    ) -> Environment:
        """Return a new environment on *image*; without packages its Python is the image's."""
        environment = Environment(name)
        environment._take(sources.read_packages(conda_specification, pip_requirements))
        environment.docker.base_image = image
        if container_registry is not None:
            environment.docker.base_image_registry = container_registry
        return environment

    @staticmethod
    def from_dockerfile(
        name: str,
        dockerfile: StrPath,
        conda_specification: StrPath | None = None,
        pip_requirements: StrPath | None = None,
    ) -> Environment:
        """Return a new environment on *dockerfile*, its text or its path."""
        environment = Environment(name)
        environment._take(sources.read_packages(conda_specification, pip_requirements))
        environment.docker.hold_dockerfile(read_dockerfile(dockerfile))
        return environment

    @staticmethod
    def from_docker_build_context(
        name: str, docker_build_context: DockerBuildContext
    ) -> Environment:
        """Return a new environment whose image is built from *docker_build_context*."""
        environment = Environment(name)
        environment.python.conda_dependencies = None
        environment.docker.build_context = docker_build_context
        return environment

    @staticmethod
    def get(workspace: object, name: str, *version: object, **more: object) -> NoReturn:
        """Raise an error that says how to get an environment out of a workspace."""
        del workspace, version, more
        raise EnvsyncError(
            f"There is no workspace to get `{name}` from",
            hint="save it once with azureml-core, `Environment.get(...).save_to_directory(DIR)`, "
            "and load it with `Environment.load_from_directory(DIR)`",
        )

    def clone(self, new_name: str) -> Environment:
        """Return a copy called *new_name*, with no version and no directory of its own."""
        check_environment_name(check_text(new_name, "the name of an environment"))
        spec = replace(self.to_spec(), name=new_name, version=None, asset_id=None)
        return Environment.from_spec(spec, warnings=self.origin.warnings)

    def save_to_directory(self, path: StrPath, overwrite: bool = False) -> tuple[Finding, ...]:  # noqa: FBT001, FBT002  # azureml-core's signature
        """Write the files of the SDK v1 to *path*, whole or not at all.

        Return what they can't hold. A stale `BaseDockerfile` or `conda_dependencies.yml`, which
        would override what was saved, is removed; other files stay.

        Raises:
            DefinitionError: *path* is there and *overwrite* is false, or an attribute is wrong.
            EnvsyncError: it can't be written.
        """
        directory, spec = Path(path), self.to_spec()
        if not overwrite and (directory.exists() or directory.is_symlink()):
            raise DefinitionError(f"`{directory}` is already there", hint="pass `overwrite=True`")
        held = hold_in_v1(spec)
        check_conda(held)
        losses = find_losses(spec, held, target="a v1 directory")
        left_behind = find_left_behind(spec, directory)
        definitions.save(held, directory, overwrite=overwrite)
        if is_same(held, spec):
            self.origin = replace(self.origin, directory=directory, source=directory)
        return (*losses, *left_behind)

    def lock(
        self,
        options: LockOptions | None = None,
        *,
        no_build: bool = False,
        reporter: Reporter | None = None,
    ) -> LockOutcome:
        """Pin every package, and write `conda-lock.yml`.

        A lock that answers the environment stays as it is, unless *options* ask for more; else
        what still fits is kept. With *no_build* source code is refused, which is run to build it.

        Raises:
            UnsatisfiableError: no set of packages answers it.
            EnvsyncError: a channel or an index can't be reached; what could be locked is.
        """
        source = self.origin.source
        if no_build:
            options = replace(options or LockOptions(), no_build=True)
        return command.lock(self.to_spec(), source, options, reporter or SilentReporter())

    def check(self) -> CheckResult:
        """Say whether the lock answers the environment as it is now; offline, nothing is written.

        Raises:
            DefinitionError: an attribute or the lock is wrong.
        """
        return command.check(self.to_spec(), self.origin.source)

    @overload
    def build_local(
        self,
        workspace: object = None,
        platform: str | None = None,
        *,
        use_docker: Literal[True],
        frozen: bool = False,
        no_build: bool = False,
        reporter: Reporter | None = None,
    ) -> Image: ...

    @overload
    def build_local(
        self,
        workspace: object = None,
        platform: str | None = None,
        *,
        use_docker: Literal[False] = False,
        prefix: StrPath | None = None,
        frozen: bool = False,
        no_build: bool = False,
        reporter: Reporter | None = None,
        **azureml: object,
    ) -> BuildOutcome: ...

    def build_local(  # noqa: PLR0913  # azureml-core's, and ours
        self,
        workspace: object = None,
        platform: str | None = None,
        *,
        use_docker: bool = False,
        prefix: StrPath | None = None,
        frozen: bool = False,
        no_build: bool = False,
        reporter: Reporter | None = None,
        **azureml: object,
    ) -> BuildOutcome | Image:
        """Make the conda environment on this machine, or with *use_docker* an image of it.

        The environment lies at *prefix*, else under envsync's home by its name; the image goes to
        the Docker Engine. A lock that isn't there is made; one in a directory of the author's
        that is stale is not touched: call `lock`, or pass *frozen* to take it as it is.
        With *no_build* source code is refused, which is run to build it.
        *workspace*, *platform*, `useDocker` and `pushImageToWorkspaceAcr` are there for scripts
        of azureml-core: what envsync does anyway is no error, what it can't do is one.
        `docker.enabled`, which decides there, is not heeded.

        Raises:
            StaleLockError: the lock does not answer the environment.
            EnvsyncError: it can't be locked or made.
        """
        wants_image = check_workspace_arguments(workspace, platform, azureml, use_docker=use_docker)
        spec, source = self.to_spec(), self.origin.source
        reporter = reporter or SilentReporter()
        if not wants_image:
            place = None if prefix is None else Path(prefix)
            return command.build(
                spec, source, prefix=place, frozen=frozen, no_build=no_build, reporter=reporter
            )
        if prefix is not None:
            message = "An image has no prefix: its environment lies at `/azureml-envs/NAME`"
            raise DefinitionError(message, hint="leave out `prefix`, or `use_docker`")
        return command.build_image(
            spec, source, frozen=frozen, no_build=no_build, reporter=reporter
        )

    def __repr__(self) -> str:
        return f"Environment(name={self.name!r}, version={self.version!r})"

    def _take(self, found: sources.CondaSource | None) -> None:
        if found is None:  # the image has its own Python
            self.python.conda_dependencies = None
            self.python.user_managed_dependencies = True
        else:
            self.python.conda_dependencies = found.conda
            self.origin = EnvironmentOrigin(directory=found.directory, warnings=found.warnings)
