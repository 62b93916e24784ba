"""What a service is to be, and how that is written down: without variables, which may be secret."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from envsync.errors import EnvsyncError
from envsync.model.scoring.service import (
    AppFiles,
    PlacedModel,
    check_service_name,
    suggest_service_name,
)
from envsync.model.scoring.target import Interpreter
from envsync.score.app_files import MODELS
from envsync.score.no_code import NO_CODE_SCRIPT
from envsync.workflow.environment.proof import prove
from envsync.workflow.scoring.serve import ServeOptions
from envsync.workflow.scoring.target import (
    ScoringChoice,
    find_lock_digest,
    find_target,
    prove_target,
    resolve_directory,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envsync.model.scoring.service import Kind
    from envsync.model.scoring.target import ScoringTarget

Server = Literal["envsync", "azureml"]

_FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class SourcePermission:
    """What of a source may be copied besides the usual; None leaves it as it is."""

    allows_large: bool | None = None
    follows_links: bool | None = None

    def give(self, files: AppFiles) -> AppFiles:
        """Return *files* with this permission."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return replace(files, **given)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServicePlan:
    """A service as it is asked for.

    A process runs *python*, which is *foreign* if it is not the definition's own; a container
    runs the image of *definition*, built on *base* if that is given, in which the environment is
    called *environment*. With *frozen* a stale lock is taken. *problem* is why the rest is not
    known: it was written down by another version of envsync.
    """

    name: str
    kind: Kind
    files: AppFiles
    definition: Path | None = None
    python: Path | None = None
    foreign: bool = False
    base: str | None = None
    environment: str | None = None
    frozen: bool = False
    server: Server = "envsync"
    options: ServeOptions = field(default_factory=ServeOptions)
    lock_digest: str | None = None
    variables: tuple[tuple[str, str], ...] = ()
    problem: EnvsyncError | None = None

    @property
    def origin(self) -> Path:
        """What it serves: its definition, or else where its source is."""
        return self.definition or self.files.source or self.files.entry_script


def plan_service(
    choice: ScoringChoice,
    *,
    kind: Kind,
    name: str | None,
    options: ServeOptions,
    permission: SourcePermission | None = None,
) -> ServicePlan:
    """Return the service that serves what *choice* means, under *name* or the definition's.

    The source is the definition's folder; where no folder is named, the script's own, and never
    the whole working directory. *permission* says what of it is copied besides the usual.

    Raises:
        DefinitionError: *name* can't be one, or something is not where it is said to be.
        EnvsyncError: a process is asked for, and the environment is not built.
    """
    directory = resolve_directory(choice)
    somewhere = Interpreter(python=Path("python")) if kind == "container" else None
    target = find_target(choice, somewhere)
    is_defined = not choice.names_interpreter or bool(target.variables)
    is_named = choice.directory is not None or not choice.names_interpreter
    files = find_files(target, directory if is_named else target.entry_script.parent)
    if permission is not None:
        files = permission.give(files)
    if choice.model_dir is None:  # nobody named it
        models = tuple(replace(model, within=directory) for model in files.models)
        files = replace(files, models=models)
    if choice.models:  # by where they lie, since the folder that they are arranged in goes
        files = replace(files, models=_place_models(choice.models))
    if name is None:
        name = suggest_service_name(_find_name(directory))
    return ServicePlan(
        name=check_service_name(name),
        kind=kind,
        files=files,
        definition=directory if is_defined else None,
        python=target.interpreter.python if kind == "process" else None,
        foreign=choice.names_interpreter,
        options=options,
        lock_digest=_find_digest(choice, target, kind),
        variables=target.variables,
    )


def _place_models(named: Sequence[str]) -> tuple[PlacedModel, ...]:
    from envsync.workflow.scoring.models import resolve_models

    return tuple(
        PlacedModel(
            place=f"{MODELS}/{model.name}/{model.version}/{model.path.name}", path=model.path
        )
        for model in resolve_models(named)
    )


def _find_digest(choice: ScoringChoice, target: ScoringTarget, kind: Kind) -> str | None:
    """Return the digest of the lock that the environment is made from, if that can be told."""
    if kind == "container":
        return find_lock_digest(choice)
    proof = prove_target(choice, target)
    return proof.check() if choice.is_checked else proof.lock_digest


def find_files(target: ScoringTarget, directory: Path) -> AppFiles:
    """Return what of *target*, whose definition is in *directory*, goes along with a service."""
    script = target.entry_script
    source: Path | None = script.parent
    if script.is_relative_to(directory):
        source = directory
    elif script == NO_CODE_SCRIPT:
        source = None  # a script of envsync's own
    models: tuple[PlacedModel, ...] = ()
    model_dir = MODELS
    if target.model_dir is not None:
        model_dir = _find_place(target.model_dir)
        models = (PlacedModel(place=model_dir, path=target.model_dir),)
    return AppFiles(entry_script=script, source=source, models=models, model_dir=model_dir)


def refresh(plan: ServicePlan) -> ServicePlan:
    """Return *plan* with what its definition says by now.

    Raises:
        DefinitionError: the definition is wrong, or gone.
    """
    if plan.definition is None:
        return plan
    from envsync.definition import load

    own = ScoringChoice(directory=plan.definition)
    digest = None if plan.foreign else find_lock_digest(own)
    if plan.python is not None:
        digest = prove(plan.python.parent.parent, plan.definition, is_at_hand=True).lock_digest
    variables = load(plan.definition).spec.environment_variables
    return replace(plan, lock_digest=digest, variables=variables)


def find_change(plan: ServicePlan, choice: ScoringChoice) -> ServicePlan:
    """Return *plan* as *choice* has it; what that leaves open stays.

    Raises:
        DefinitionError: something is not where *choice* says it is.
    """
    if choice == ScoringChoice():
        return plan
    directory = choice.directory or plan.definition or plan.files.source
    script = choice.entry_script or (None if choice.directory else plan.files.entry_script)
    is_open = not choice.names_interpreter and plan.foreign
    python = plan.python if is_open else choice.python
    wanted = replace(choice, directory=directory, entry_script=script, python=python)
    made = plan_service(wanted, kind=plan.kind, name=plan.name, options=plan.options)
    files = replace(
        made.files,
        follows_links=plan.files.follows_links,
        allows_large=plan.files.allows_large,
    )
    if not (choice.directory or choice.model_dir or choice.models):
        files = replace(files, models=plan.files.models, model_dir=plan.files.model_dir)
    return replace(
        made,
        files=files,
        base=plan.base,
        environment=plan.environment,
        frozen=plan.frozen,
        server=plan.server,
    )


def dump_plan(plan: ServicePlan) -> str:
    """Return *plan* as JSON, without the variables of its environment."""
    found = asdict(plan)
    del found["variables"], found["problem"]
    return json.dumps({"format": _FORMAT, **found}, default=str, sort_keys=True)


def parse_plan(text: str, name: str, kind: Kind) -> ServicePlan:
    """Return the plan that `dump_plan` wrote for the service *name*, or what is known of it."""
    try:
        return _read(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        problem = EnvsyncError(
            f"The service `{name}` was made by another version of envsync",
            hint="delete it, and deploy it again",
        )
        files = AppFiles(entry_script=Path("score.py"))
        return ServicePlan(name=name, kind=kind, files=files, problem=problem)


def _read(found: dict[str, Any]) -> ServicePlan:
    if found["format"] != _FORMAT:
        raise ValueError(found["format"])
    files = found["files"]
    known = {each.name for each in fields(ServeOptions)}
    options = {name: value for name, value in found["options"].items() if name in known}
    options["allowed_hosts"] = tuple(options.get("allowed_hosts", ()))
    return ServicePlan(
        name=str(found["name"]),
        kind=cast("Kind", found["kind"]),
        files=AppFiles(
            entry_script=Path(files["entry_script"]),
            source=_path(files["source"]),
            models=tuple(
                PlacedModel(
                    place=model["place"],
                    path=Path(model["path"]),
                    within=_path(model.get("within")),
                )
                for model in files["models"]
            ),
            model_dir=files["model_dir"],
            follows_links=bool(files.get("follows_links", False)),
            allows_large=bool(files.get("allows_large", False)),
        ),
        definition=_path(found["definition"]),
        python=_path(found["python"]),
        foreign=bool(found["foreign"]),
        base=found["base"],
        environment=found["environment"],
        frozen=bool(found["frozen"]),
        server=cast("Server", found["server"]),
        options=ServeOptions(**options),
        lock_digest=found["lock_digest"],
    )


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _find_name(directory: Path) -> str:
    from envsync.definition import load
    from envsync.errors import DefinitionError

    try:
        return load(directory).spec.name or directory.name
    except DefinitionError:
        return directory.name


def _find_place(model_dir: Path) -> str:
    """Return where a model dir lies below the app root: as it is arranged, else as version 1."""
    parts = model_dir.parts
    if MODELS in parts:
        at = len(parts) - 1 - parts[::-1].index(MODELS)
        return "/".join(parts[at:])
    return f"{MODELS}/{model_dir.name}/1"
