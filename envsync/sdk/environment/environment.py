"""The `Environment` of the Azure ML SDK, without a workspace."""

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
from envsync.sdk.environment.attributes import EnvironmentAttributes, EnvironmentOrigin
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
    from envsync.sdk.command import CheckResult
    from envsync.sdk.environment.sections import ContainerRegistry, DockerBuildContext
    from envsync.sdk.source import StrPath
    from envsync.workflow.environment.build import BuildOutcome
    from envsync.workflow.lock.options import LockOutcome


@dataclass(slots=True, eq=False, repr=False)
class Environment(EnvironmentAttributes):
    """A definition of an environment to change, save, lock and build on this machine.

    A new environment has the defaults of azureml-core, without its example variable and with the
    conda dependencies that `CondaDependencies` describes. Attributes have the names of the SDK;
    other attributes can't be set.

    Once loaded or saved, an environment belongs to its directory: `lock` writes `conda-lock.yml`
    there, and later changes must be saved before they are locked or built. Other environments are
    locked and built by name in envsync's home.

    Every failure is an `EnvsyncError` with a message and a hint. Nothing is printed.
    """

    def __post_init__(self) -> None:
        check_environment_name(check_text(self.name, "the name of an environment"))

    @classmethod
    def from_spec(
        cls, spec: EnvironmentSpec, *, source: Path | None = None, warnings: Iterable[Finding] = ()
    ) -> Environment:
        """Return *spec* as an object that can be changed."""
        environment = cls("environment")
        environment._fill(spec)
        origin = environment.origin
        environment.origin = replace(origin, source=source, warnings=tuple(warnings))
        return environment

    @staticmethod
    def load_from_directory(path: StrPath) -> Environment:
        """Load the definition in the directory *path*, or a file of any supported format.

        Warnings about it are in `origin.warnings`.

        Raises:
            DefinitionError: the definition is wrong; the error has every finding.
        """
        loaded = definitions.load(Path(path))
        return Environment.from_spec(loaded.spec, source=Path(path), warnings=loaded.warnings)

    @staticmethod
    def from_conda_specification(name: str, file_path: StrPath) -> Environment:
        """Return a new environment with the packages of the conda environment file *file_path*.

        Its Python is kept: the SDK would replace a version that it can't read, or add one.
        """
        return Environment._with(name, sources.read_conda_specification(file_path))

    @staticmethod
    def from_pip_requirements(
        name: str, file_path: StrPath, pip_version: str | None = None
    ) -> Environment:
        """Return a new environment with the default Python, pip and a requirements file."""
        return Environment._with(name, sources.read_pip_requirements(file_path, pip_version))

    @staticmethod
    def from_existing_conda_environment(name: str, conda_environment_name: StrPath) -> Environment:
        """Return a new environment with the packages of a conda environment on this machine.

        *conda_environment_name* is its path, or its name if conda or envsync knows it. The conda
        program is not needed.
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
        """Return a new environment on *image*, with the image's Python if no packages are given."""
        found = sources.read_packages(conda_specification, pip_requirements)
        environment = Environment._with(name, found)
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
        """Return a new environment on *dockerfile*, given as text or as a path."""
        found = sources.read_packages(conda_specification, pip_requirements)
        environment = Environment._with(name, found)
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
        """Raise an error that explains how to get an environment from a workspace."""
        del workspace, version, more
        raise EnvsyncError(
            f"There is no workspace to get `{name}` from",
            hint="save it once with azureml-core, `Environment.get(...).save_to_directory(DIR)`, "
            "and load it with `Environment.load_from_directory(DIR)`",
        )

    def clone(self, new_name: str) -> Environment:
        """Return a copy with the name *new_name*, without version and directory."""
        check_environment_name(check_text(new_name, "the name of an environment"))
        spec = replace(self.to_spec(), name=new_name, version=None, asset_id=None)
        return Environment.from_spec(spec, warnings=self.origin.warnings)

    def save_to_directory(self, path: StrPath, overwrite: bool = False) -> tuple[Finding, ...]:  # noqa: FBT001, FBT002  # azureml-core's signature
        """Write the files of the SDK v1 to *path*, all of them or none.

        Return findings about the parts that these files can't hold. An old `BaseDockerfile` or
        `conda_dependencies.yml`, which would override the saved one, is removed; other files stay.

        Raises:
            DefinitionError: *path* exists and *overwrite* is false, or an attribute is wrong.
            EnvsyncError: the files can't be written.
        """
        directory, spec = Path(path), self.to_spec()
        if not overwrite and (directory.exists() or directory.is_symlink()):
            raise DefinitionError(f"`{directory}` already exists", hint="pass `overwrite=True`")
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

        An up-to-date lock does not change, unless *options* ask for it; in an out-of-date lock
        the versions that still fit are kept. *no_build* refuses packages that have to be built
        from source, since a build runs their code.

        Raises:
            UnsatisfiableError: no set of packages satisfies the definition.
            EnvsyncError: a channel or an index can't be reached; the other subdirs are locked.
        """
        source = self.origin.source
        if no_build:
            options = replace(options or LockOptions(), no_build=True)
        return command.lock(self.to_spec(), source, options, reporter or SilentReporter())

    def check(self) -> CheckResult:
        """Check that the lock matches the environment as it is now, offline and without writing.

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
        """Create the conda environment on this machine, or build its image with *use_docker*.

        The environment is created at *prefix*, by default in envsync's home; the image goes to
        the Docker Engine. A missing lock is created. An out-of-date lock in the author's directory
        is an error: call `lock`, or pass *frozen* to use it as it is. *no_build* refuses packages
        that have to be built from source.
        *workspace*, *platform*, `useDocker` and `pushImageToWorkspaceAcr` exist for scripts of
        azureml-core, and are an error only if they ask for something that envsync can't do.
        `docker.enabled` is ignored.

        Raises:
            StaleLockError: the lock is out of date.
            EnvsyncError: the environment can't be locked or created.
        """
        wants_image = check_workspace_arguments(workspace, platform, azureml, use_docker=use_docker)
        spec, source = self.to_spec(), self.origin.source
        reporter = reporter or SilentReporter()
        if not wants_image:
            path = None if prefix is None else Path(prefix)
            return command.build(
                spec, source, prefix=path, frozen=frozen, no_build=no_build, reporter=reporter
            )
        if prefix is not None:
            message = "An image has no prefix: its environment is in `/azureml-envs/NAME`"
            raise DefinitionError(message, hint="leave out `prefix`, or `use_docker`")
        return command.build_image(
            spec, source, frozen=frozen, no_build=no_build, reporter=reporter
        )

    def __repr__(self) -> str:
        return f"Environment(name={self.name!r}, version={self.version!r})"

    @staticmethod
    def _with(name: str, found: sources.CondaSource | None) -> Environment:
        environment = Environment(name)
        if found is None:  # the image has its own Python
            environment.python.conda_dependencies = None
            environment.python.user_managed_dependencies = True
        else:
            environment.python.conda_dependencies = found.conda
            environment.origin = EnvironmentOrigin(
                directory=found.directory, warnings=found.warnings
            )
        return environment
