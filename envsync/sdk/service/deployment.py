"""The plan of a service from the arguments of the SDK."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from envsync.errors import DefinitionError
from envsync.model.scoring.service import AppFiles, PlacedModel
from envsync.package.python import python_path
from envsync.score.app_files import MODELS
from envsync.sdk import command
from envsync.sdk.environment.environment import Environment
from envsync.sdk.place import placed
from envsync.workflow.scoring.target import ScoringChoice, find_lock_digest
from envsync.workflow.service.plan import ServicePlan, SourcePermission

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envsync.model.environment import EnvironmentSpec
    from envsync.model.progress import Reporter
    from envsync.model.scoring.service import Kind

_LAST_PORT = 65535


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalWebserviceDeploymentConfiguration:
    """How to deploy a local web service: on *port*, or on a free port.

    By default the service is a process in the conda environment. With *use_docker* it is a
    container of the environment's image, on *base_image* if given. *allow_large_source* allows a
    source above 300 MiB; *follow_links* copies files that links outside of the source lead to.
    """

    port: int | None = field(default=None, kw_only=False)
    use_docker: bool = False
    base_image: str | None = None
    workers: int | None = None
    allow_large_source: bool = False
    follow_links: bool = False

    def __post_init__(self) -> None:
        port: Any = self.port
        is_number = isinstance(port, int) and not isinstance(port, bool)
        if port is not None and not (is_number and 0 <= port <= _LAST_PORT):
            raise DefinitionError(
                f"`{port!r}` is not a port",
                hint="give a number from 1 to 65535, or None for a free port",
            )
        if self.base_image is not None and not self.use_docker:
            message = "`base_image` needs `use_docker=True`"
            raise DefinitionError(message, hint="leave it out")


class ServedModel(Protocol):
    """A model to deploy, such as an `envsync.Model`."""

    name: str
    version: int
    path: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadyEnvironment:
    """An environment that was created, or locked for its image, from *definition* on disk."""

    definition: Path
    prefix: Path | None
    variables: tuple[tuple[str, str], ...]
    lock_digest: str | None


def make_ready(inference_config: Any, kind: Kind, reporter: Reporter) -> ReadyEnvironment:
    """Create the environment of *inference_config*, or only lock it for a container.

    Raises:
        DefinitionError: there is no environment, or it is wrong.
        EnvsyncError: it can't be created.
    """
    return _make_ready(_find_environment(inference_config), kind, reporter)


def remake(plan: ServicePlan, reporter: Reporter) -> ReadyEnvironment:
    """Create the environment of *plan*, whose service changes from a container to a process.

    Raises:
        EnvsyncError: the environment can't be created.
    """
    if plan.definition is None:
        raise DefinitionError(
            f"The service `{plan.name}` has no definition",
            hint="give an `inference_config` with an environment",
        )
    return _make_ready(Environment.load_from_directory(plan.definition), plan.kind, reporter)


def _make_ready(environment: Environment, kind: Kind, reporter: Reporter) -> ReadyEnvironment:
    spec, source = environment.to_spec(), environment.origin.source
    prefix = None
    if kind == "container":
        _have_lock(spec, source, reporter)
    else:
        prefix = command.build(spec, source, prefix=None, frozen=False, reporter=reporter).prefix
    with placed(spec, source) as directory:
        definition = directory.resolve()
    return ReadyEnvironment(
        definition=definition,
        prefix=prefix,
        variables=spec.environment_variables,
        lock_digest=find_lock_digest(ScoringChoice(directory=definition)),
    )


def make_plan(
    name: str,
    models: Iterable[ServedModel],
    inference_config: Any,
    deployment_config: LocalWebserviceDeploymentConfiguration,
    environment: ReadyEnvironment,
) -> ServicePlan:
    """Return the plan to deploy the service *name*."""
    return with_deployment(
        with_environment(
            ServicePlan(
                name=name,
                kind="process",
                files=with_models(_find_source(inference_config), models),
            ),
            environment,
        ),
        deployment_config,
    )


def with_environment(plan: ServicePlan, environment: ReadyEnvironment) -> ServicePlan:
    """Return *plan* in *environment*."""
    prefix = environment.prefix
    return replace(
        plan,
        definition=environment.definition,
        python=None if prefix is None else python_path(prefix),
        variables=environment.variables,
        lock_digest=environment.lock_digest,
    )


def with_deployment(
    plan: ServicePlan, config: LocalWebserviceDeploymentConfiguration
) -> ServicePlan:
    """Return *plan* with the settings of *config*."""
    permission = SourcePermission(
        allows_large=config.allow_large_source, follows_links=config.follow_links
    )
    return replace(
        plan,
        kind="container" if config.use_docker else "process",
        files=permission.give(plan.files),
        base=config.base_image,
        options=replace(plan.options, port=config.port or 0, workers=config.workers),
    )


def with_source(plan: ServicePlan, inference_config: Any) -> ServicePlan:
    """Return *plan* with the script of *inference_config*; its models stay."""
    files = _find_source(inference_config)
    changed = replace(plan.files, entry_script=files.entry_script, source=files.source)
    return replace(plan, files=changed)


def with_models(files: AppFiles, models: Iterable[ServedModel]) -> AppFiles:
    """Return *files* with *models* in the folders of Azure ML."""
    given = tuple(models)
    folders = [f"{MODELS}/{model.name}/{model.version}" for model in given]
    places = tuple(
        PlacedModel(place=f"{folder}/{Path(model.path).name}", path=Path(model.path).absolute())
        for folder, model in zip(folders, given, strict=True)
    )
    return replace(files, models=places, model_dir=folders[0] if len(folders) == 1 else MODELS)


def _find_source(inference_config: Any) -> AppFiles:
    source = inference_config.source_directory
    folder = None if source is None else Path(source).resolve()
    script = (folder or Path.cwd()) / inference_config.entry_script
    return AppFiles(entry_script=script if folder is None else script.resolve(), source=folder)


def _find_environment(inference_config: Any) -> Environment:
    environment = inference_config.environment
    if environment is None:
        raise DefinitionError(
            "The `inference_config` has no environment",
            hint="give it one: `InferenceConfig(entry_script=..., environment=...)`",
        )
    if isinstance(environment, Environment):
        return environment
    return Environment.load_from_directory(environment)


def _have_lock(spec: EnvironmentSpec, source: Path | None, reporter: Reporter) -> None:
    """Lock *spec* if it has no lock; an out-of-date lock beside its *source* is not touched."""
    if spec.python.user_managed_dependencies:
        return
    found = command.check(spec, source)
    if not found.path.exists() or (source is None and not found.is_fresh):
        command.lock(spec, source, None, reporter)
