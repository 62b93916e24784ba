"""A lockfile, solved: each subdir by the engines, and what the lock says besides packages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from envsync.adapters.conda_lock_guest import as_guest
from envsync.errors import EnvsyncError
from envsync.lock.base_image import dump_base, parse_base
from envsync.lock.diff import Change, diff_packages
from envsync.lock.formats.source_code import drop_moved, dump_build_requires
from envsync.lock.graph import normalize
from envsync.lock.reasons import add_reasons
from envsync.lock.requested import dump_requested, list_requested, parse_requested
from envsync.model.lockfile import LockedPackage, Lockfile
from envsync.solve.cut_off import CUT_OFF_KEY, parse_cut_off
from envsync.solve.facts import assume_facts, dump_facts, parse_facts, parse_statements
from envsync.solve.subdir_lock import SubdirTask, solve_subdir
from envsync.workflow.lock.pip.lines import list_pip_lines
from envsync.workflow.lock.thread_pool import open_pool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Future

    from envsync.model.environment import CondaSpec, EnvironmentSpec
    from envsync.model.progress import Reporter
    from envsync.model.virtual_package import VirtualPackage
    from envsync.workflow.lock.base.image import BaseOutcome, BasePlan
    from envsync.workflow.lock.engines import Engines
    from envsync.workflow.lock.options import LockOptions

_TOGETHER = 4  # solves at a time; each is a thread, and the work is the engines'


@dataclass(frozen=True, kw_only=True, slots=True)
class Solved:
    """A lock and its *text*, with what changed and what became of the base image."""

    lockfile: Lockfile
    text: str
    changes: tuple[Change, ...]
    failures: tuple[EnvsyncError, ...]
    base_notes: tuple[str, ...]


def move_base(before: Lockfile, base: BaseOutcome) -> Solved:
    """Return the lock *before* with another digest of the base image, and nothing else."""
    lockfile = replace(before, custom_metadata=base.put_into(before.custom_metadata))
    return Solved(
        lockfile=lockfile,
        text=_dump(lockfile),
        changes=(),
        failures=(),
        base_notes=base.notes,
    )


def solve(
    spec: EnvironmentSpec,
    conda: CondaSpec,
    subdirs: tuple[str, ...],
    wish: tuple[Lockfile | None, LockOptions, BasePlan],
    engines: Engines,
    reporter: Reporter,
) -> Solved:
    """Solve *subdirs* side by side.

    Importing conda-lock takes half a second, which passes while the solvers wait and work.
    """
    before, options, plan = wish
    metadata = dict(before.custom_metadata) if before is not None else {}
    cut_off = options.cut_off or metadata.get(CUT_OFF_KEY)
    cut_off = None if cut_off == "none" else cut_off
    tasks = [
        SubdirTask(
            subdir=subdir,
            facts=_choose_facts(spec, subdir, metadata, options, engines),
            preferred=tuple(drop_moved(_keep(before, subdir, options), *_list_pip(before, spec))),
            exclude_newer=parse_cut_off(cut_off),
            leave_out_unhashed=options.allow_unreproducible,
            allows_builds=not options.no_build,
        )
        for subdir in subdirs
    ]
    solve_one = partial(
        solve_subdir, spec, conda, solvers=(engines.conda, engines.pip), reporter=reporter
    )
    with open_pool(_TOGETHER + 1) as pool:
        content_hash = pool.submit(_compute_content_hash, conda, subdirs)
        solved, failures = _collect([(task, pool.submit(solve_one, task)) for task in tasks])
        hashes = dict(content_hash.result())
    requested = list_requested(spec, list_pip_lines(spec))
    base = plan.finish()
    solved_packages = tuple(package for _, packages in solved for package in packages)
    lockfile = Lockfile(
        subdirs=tuple(task.subdir for task, _ in solved),
        channels=requested.channels,
        sources=tuple(file.name for file in spec.files[-1:]),
        content_hash=tuple((task.subdir, hashes[task.subdir]) for task, _ in solved),
        custom_metadata=(
            *dump_requested(requested),
            dump_base(base.base),
            *(((CUT_OFF_KEY, cut_off),) if cut_off else ()),
            *(dump_facts(task.subdir, task.facts) for task, _ in solved),
            *dump_build_requires(solved_packages),
        ),
        packages=solved_packages,
    )
    return Solved(
        lockfile=lockfile,
        text=_dump(lockfile),
        changes=_list_changes(before, lockfile),
        failures=failures,
        base_notes=base.notes,
    )


def _collect(
    solving: Sequence[tuple[SubdirTask, Future[tuple[LockedPackage, ...]]]],
) -> tuple[list[tuple[SubdirTask, tuple[LockedPackage, ...]]], tuple[EnvsyncError, ...]]:
    """Wait for all solves; return those that came to something, and the errors of the others.

    Raises:
        EnvsyncError: none came to anything.
    """
    errors = [(task, each, _failure_of(each.exception())) for task, each in solving]
    failures = tuple(error for _, _, error in errors if error is not None)
    if len(failures) == len(solving):
        raise failures[0]
    return [(task, each.result()) for task, each, error in errors if error is None], failures


def _failure_of(error: BaseException | None) -> EnvsyncError | None:
    if error is None or isinstance(error, EnvsyncError):
        return error
    raise error


def _choose_facts(
    spec: EnvironmentSpec,
    subdir: str,
    metadata: Mapping[str, str],
    options: LockOptions,
    engines: Engines,
) -> tuple[VirtualPackage, ...]:
    recorded = () if options.upgrade else parse_facts(metadata, subdir)
    stated = {**engines.overrides, **parse_statements(options.system_requirements)}
    base = parse_base(metadata.items())
    return assume_facts(
        spec,
        subdir,
        engines.conda,
        recorded=recorded,
        recorded_image=base.name if base is not None else None,
        stated=stated,
    )


def _keep(before: Lockfile | None, subdir: str, options: LockOptions) -> tuple[LockedPackage, ...]:
    """Return the packages of *before* that are not to move while they fit."""
    if before is None or options.upgrade:
        return ()
    free = {normalize(name) for name in options.update}
    return tuple(
        package for package in before.packages_for(subdir) if normalize(package.name) not in free
    )


def _list_pip(
    before: Lockfile | None, spec: EnvironmentSpec
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the pip lines that the lock *before* answers, and those of *spec*."""
    then = parse_requested(before.channels, before.custom_metadata) if before else None
    return then.pip if then else (), list_requested(spec, list_pip_lines(spec)).pip


def _list_changes(before: Lockfile | None, after: Lockfile) -> tuple[Change, ...]:
    if before is None:
        return ()
    from envsync.adapters.versions import is_newer, satisfies

    changes = diff_packages(before.packages, after.packages, is_newer=is_newer)
    then = parse_requested(before.channels, before.custom_metadata)
    now = parse_requested(after.channels, after.custom_metadata)
    if now is None:
        return changes
    return add_reasons(changes, after.packages, (then, now), satisfies=satisfies)


def _compute_content_hash(
    conda: CondaSpec, subdirs: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    with as_guest():
        from envsync.adapters.conda_lock import compute_content_hash

        return compute_content_hash(conda, subdirs)


def _dump(lockfile: Lockfile) -> str:
    with as_guest():
        from envsync.adapters.conda_lock import dump_lockfile

        return dump_lockfile(lockfile)
