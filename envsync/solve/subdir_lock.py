"""One subdir, solved: conda first, then pip on top of it."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envsync.definition.requirement.pip_section import read_pip_section
from envsync.errors import EnvsyncError, UnsatisfiableError
from envsync.solve.agreement import find_bounds
from envsync.solve.channels import place_channels
from envsync.solve.facts import find_glibc
from envsync.solve.pip_constraints import check_requirements, find_distributions
from envsync.solve.python_target import describe_environment
from envsync.solve.relax import advise, find_cut_off
from envsync.solve.request import CondaRequest, PipRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from envsync.model.environment import CondaSpec, EnvironmentSpec
    from envsync.model.lockfile import LockedPackage
    from envsync.model.progress import Reporter
    from envsync.model.virtual_package import VirtualPackage
    from envsync.solve.request import CondaSolver, PipSolver


_ROUNDS = 8  # of conda giving way to pip, which names one disagreement at a time
_SILENCE = 15.0  # seconds until those who wait are told that work goes on


@dataclass(frozen=True, kw_only=True, slots=True)
class SubdirTask:
    """What is to be solved for one *subdir*, besides the definition.

    Of what still fits, *preferred* packages are kept. With *exclude_newer* nothing counts that
    was published later. With *leave_out_unhashed* pip packages without a hash are left out.
    """

    subdir: str
    facts: tuple[VirtualPackage, ...]
    preferred: tuple[LockedPackage, ...] = ()
    exclude_newer: datetime | None = None
    leave_out_unhashed: bool = False
    allows_builds: bool = True


def solve_subdir(
    spec: EnvironmentSpec,
    conda: CondaSpec,
    task: SubdirTask,
    *,
    solvers: tuple[CondaSolver, PipSolver],
    reporter: Reporter,
) -> tuple[LockedPackage, ...]:
    """Return every package that answers *spec*, whose conda side is *conda*, on a subdir.

    Raises:
        UnsatisfiableError: there is no such set of packages.
        EnvsyncError: a channel or an index can't be reached or read.
    """
    conda_solver, _ = solvers
    reporter.step(f"Solving conda packages for {task.subdir}")
    request = replace(_ask_conda(conda, task), reporter=reporter)
    try:
        brought = conda_solver.solve(request)
    except UnsatisfiableError as error:
        asked = request.match_specs[: len(conda.match_specs)]
        error.hint = advise(request, asked, error.reasons, conda_solver) or error.hint
        raise
    if not conda.pip_requirements and not conda.pip_options:
        return brought
    doing = f"Locking pip requirements for {task.subdir}"
    reporter.step(doing)
    with _say_again(f"{doing}: still at it", reporter):
        return _add_pip(spec, conda, task, request, brought, solvers)


def _add_pip(
    spec: EnvironmentSpec,
    conda: CondaSpec,
    task: SubdirTask,
    request: CondaRequest,
    brought: tuple[LockedPackage, ...],
    solvers: tuple[CondaSolver, PipSolver],
) -> tuple[LockedPackage, ...]:
    """Return the packages *brought* for *request*, and pip's upon them.

    Where the two disagree and the definition leaves that open, conda brings something else.
    """
    conda_solver, pip_solver = solvers
    source = spec.files[-1].name if spec.files else "the definition"
    failures: list[UnsatisfiableError] = []

    def solve(pip_request: PipRequest) -> tuple[LockedPackage, ...]:
        environment = describe_environment(pip_request.python_version, task.subdir)
        check_requirements(
            conda.pip_requirements, pip_request.provided, environment=environment, source=source
        )
        return pip_solver.solve(pip_request)

    for _ in range(_ROUNDS):
        pip_request = replace(_ask_pip(spec, conda, task, brought), reporter=request.reporter)
        try:
            return (*brought, *solve(pip_request))
        except UnsatisfiableError as error:
            failures.append(error)
        bounds = find_bounds(pip_request, conda.match_specs, failures[-1], solve)
        if not bounds:
            break
        request = replace(request, match_specs=(*request.match_specs, *bounds))
        try:
            brought = conda_solver.solve(request)
        except EnvsyncError:
            break
        request.reporter.note(
            f"For the pip requirements on {task.subdir} conda brings {', '.join(bounds)}"
        )
    date = find_cut_off(
        task.exclude_newer, lambda moment: solve(replace(pip_request, exclude_newer=moment))
    )
    if date is not None:
        failures[0].hint = f"{date}: then there is a solution"
    raise failures[0]


@contextlib.contextmanager
def _say_again(text: str, reporter: Reporter) -> Iterator[None]:
    """Note *text* every few seconds: indexes may be slow, and sources may have to be built."""
    is_over = threading.Event()

    def say() -> None:
        while not is_over.wait(_SILENCE):
            reporter.note(text)

    thread = threading.Thread(target=say, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _ask_conda(conda: CondaSpec, task: SubdirTask) -> CondaRequest:
    channels, match_specs = place_channels(conda.channels, conda.match_specs, task.subdir)
    return CondaRequest(
        subdir=task.subdir,
        channels=channels,
        match_specs=(*match_specs, *(("pip",) if conda.has_pip_section else ())),
        virtual_packages=task.facts,
        preferred=tuple(package for package in task.preferred if package.manager == "conda"),
        exclude_newer=task.exclude_newer,
    )


def _ask_pip(
    spec: EnvironmentSpec, conda: CondaSpec, task: SubdirTask, brought: tuple[LockedPackage, ...]
) -> PipRequest:
    python = next((package for package in brought if package.name == "python"), None)
    if python is None:
        raise UnsatisfiableError(
            "The pip requirements need a Python, and no conda package brings one "
            f"on `{task.subdir}`",
            hint="add `python=3.11` (or the version you need) to the conda dependencies",
        )
    section, _ = read_pip_section(spec)
    return PipRequest(
        subdir=task.subdir,
        python_version=python.version,
        glibc=find_glibc(task.facts),
        requirements=conda.pip_requirements,
        options=conda.pip_options,
        provided=find_distributions(brought),
        directory=spec.pip_directory,
        lock_directory=spec.directory,
        preferred=tuple(package for package in task.preferred if package.manager == "pip"),
        exclude_newer=task.exclude_newer,
        leave_out_unhashed=task.leave_out_unhashed,
        allows_builds=task.allows_builds,
        parsed=section.requirements,
        constraints=section.constraints,
        file_options=section.options,
        requires_hashes=section.requires_hashes,
    )
