"""The story of `envsync build-local`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from envsync.errors import EnvsyncError, StaleLockError
from envsync.lock.formats.source_code import refuse_builds
from envsync.model.subdir import current_subdir
from envsync.model.text.wording import shell_quote
from envsync.prefix.create import create_prefix, is_current
from envsync.prefix.location import environment_path, find_home
from envsync.prefix.receipt import Plan, renew_origin
from envsync.remedy import Option, Step, advise
from envsync.workflow.lock.check import check
from envsync.workflow.lock.files import check_sound, is_lock_file, load_sound_lock
from envsync.workflow.lock.origin import find_origin
from envsync.workflow.lock.pip.places import PipPlaces, find_places, load_pip_installer

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.errors import Finding
    from envsync.model.environment import EnvironmentSpec
    from envsync.model.lockfile import LockedPackage, Lockfile
    from envsync.model.progress import Reporter
    from envsync.workflow.lock.check import CheckOutcome


BuildMode: TypeAlias = Literal["update", "reinstall", "offline"]


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildOutcome:
    """An environment that is there now; *changed* is False where it was there before."""

    name: str
    prefix: Path
    package_count: int
    changed: bool
    warnings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalPlan:
    """An environment of this machine: its *name*, its *plan* and where its packages come from.

    *spec* is the definition, if there is one.
    """

    name: str
    plan: Plan
    places: PipPlaces
    spec: EnvironmentSpec | None = None
    warnings: tuple[Finding, ...] = ()


def build_local(  # noqa: PLR0913  # as the command has it
    directory: Path,
    *,
    reporter: Reporter,
    prefix: Path | None = None,
    name: str | None = None,
    frozen: bool = False,
    mode: BuildMode = "update",
    no_build: bool = False,
) -> BuildOutcome:
    """Make the conda environment that the lock in *directory* describes, or update it.

    *directory* may also be a lockfile alone, of any format that envsync reads. The environment
    lies at *prefix*, else under envsync's home by *name*, else by the definition's name, or the
    name of the lockfile's folder. With *frozen* the lock is taken as it is, whether or not it
    answers the definition. In the *mode* `reinstall` an environment that is there is made anew,
    from packages of which every byte was looked at; in `offline` no network is asked. With
    *no_build* a lock that has source code is refused.

    Raises:
        StaleLockError: the lock does not answer the definition.
        DefinitionError: the definition or the lock is wrong.
        EnvsyncError: there is no lock, or the environment can't be made.
    """
    local = plan_local(directory, prefix=prefix, name=name, frozen=frozen)
    if no_build:
        refuse_builds(local.plan.packages, file=str(directory))
    return BuildOutcome(
        name=local.name,
        prefix=local.plan.prefix,
        package_count=len(local.plan.packages),
        changed=_realise(local, reporter, mode),
        warnings=local.warnings,
    )


def plan_local(
    directory: Path, *, prefix: Path | None, name: str | None, frozen: bool
) -> LocalPlan:
    """Return what `build_local` would make of its arguments.

    Raises:
        StaleLockError: the lock does not answer the definition.
        DefinitionError: the definition or the lock is wrong.
        EnvsyncError: there is no lock, or it has nothing for this machine.
    """
    if is_lock_file(directory):
        chosen = name or directory.resolve().parent.name
        lockfile = load_sound_lock(directory)
        plan = Plan(
            prefix=(prefix or environment_path(chosen, find_home())).absolute(),
            packages=_list_packages(lockfile, directory, hint=None),
            origin=find_origin(directory, None),
        )
        return LocalPlan(name=chosen, plan=plan, places=find_places(lockfile, directory.parent))
    checked = check_fresh(directory, frozen=frozen)
    chosen = name or checked.spec.name or checked.spec.directory.resolve().name
    return LocalPlan(
        name=chosen,
        plan=_plan(checked, prefix or environment_path(chosen, find_home())),
        places=find_places(checked.lockfile, checked.spec.directory, checked.spec),
        spec=checked.spec,
        warnings=checked.warnings,
    )


def check_fresh(directory: Path, *, frozen: bool, subdir: str | None = None) -> CheckOutcome:
    """Return the definition and the lock in *directory*.

    If only *subdir* is of use, what the lock has for others, or lacks, does not count.

    Raises:
        StaleLockError: the lock does not answer the definition, and is not to be *frozen*.
        DefinitionError: the definition or the lock is wrong, or the lock contradicts itself.
        EnvsyncError: there is no lock.
    """
    checked = check(directory)
    counted = [it for it in checked.staleness if not (subdir and it.subdir not in (None, subdir))]
    if counted and not frozen:
        first = counted[0]
        where = f" for `{first.subdir}`" if first.subdir else ""
        run_lock = Step("lock", (str(directory),))
        raise StaleLockError(
            f"`{checked.path}` is stale{where}: {first.text}",
            hint=advise("run ", run_lock, ", or take the lock as it is with ", Option("frozen")),
        )
    check_sound(checked.path, checked.inconsistencies)
    return checked


def _list_packages(
    lockfile: Lockfile, path: Path, *, hint: str | None
) -> tuple[LockedPackage, ...]:
    subdir = current_subdir()
    packages = lockfile.packages_for(subdir) if subdir else ()
    if not packages:
        raise EnvsyncError(f"`{path}` has no packages for `{subdir}`", hint=hint)
    return packages


def _plan(checked: CheckOutcome, prefix: Path) -> Plan:
    conda = checked.spec.conda
    hint = f"run `envsync lock {shell_quote(checked.spec.directory)} --subdir {current_subdir()}`"
    return Plan(
        prefix=prefix.absolute(),
        packages=_list_packages(checked.lockfile, checked.path, hint=hint),
        requested=conda.match_specs if conda else (),
        environment_variables=(
            *(conda.variables if conda else ()),
            *checked.spec.environment_variables,
        ),
        origin=find_origin(checked.path, None if checked.staleness else checked.spec),
    )


def _realise(local: LocalPlan, reporter: Reporter, mode: BuildMode) -> bool:
    """Make the environment of *local* unless it is there; return whether it was made."""
    reinstall, offline = mode == "reinstall", mode == "offline"
    if not reinstall and is_current(local.plan):
        renew_origin(local.plan)
        return False
    from envsync.adapters.rattler import RattlerInstaller, find_network, load_config

    config = load_config()
    conda = local.spec.conda if local.spec is not None else None
    return create_prefix(
        local.plan,
        conda=RattlerInstaller(
            config,
            conda.channels if conda else (),
            trusts_cache=not reinstall,
            offline=offline,
        ),
        pip=load_pip_installer(
            local.places,
            trusts_cache=not reinstall,
            offline=offline,
            network=find_network(config),
            reporter=reporter,
        ),
        reporter=reporter,
        reinstall=reinstall,
    )
