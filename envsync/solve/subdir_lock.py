"""One subdir, solved: conda first, then pip on top of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.errors import UnsatisfiableError
from envsync.solve.channels import place_channels
from envsync.solve.pip_constraints import check_requirements, find_distributions
from envsync.solve.request import CondaRequest, PipRequest
from envsync.solve.subdirs import assume_virtual_packages, find_glibc

if TYPE_CHECKING:
    from envsync.model.environment import CondaSpec, EnvironmentSpec
    from envsync.model.lockfile import LockedPackage
    from envsync.model.progress import Reporter
    from envsync.solve.request import CondaSolver, PipSolver


def solve_subdir(
    spec: EnvironmentSpec,
    conda: CondaSpec,
    subdir: str,
    *,
    solvers: tuple[CondaSolver, PipSolver],
    reporter: Reporter,
) -> tuple[LockedPackage, ...]:
    """Return every package that answers *spec*, whose conda side is *conda*, on *subdir*.

    Raises:
        UnsatisfiableError: there is no such set of packages.
        EnvsyncError: a channel or an index can't be reached or read.
    """
    conda_solver, pip_solver = solvers
    facts = assume_virtual_packages(subdir, conda_solver)
    reporter.step(f"Solving conda packages for {subdir}")
    channels, match_specs = place_channels(conda.channels, conda.match_specs, subdir)
    brought = conda_solver.solve(
        CondaRequest(
            subdir=subdir,
            channels=channels,
            match_specs=(*match_specs, *(("pip",) if conda.has_pip_section else ())),
            virtual_packages=facts,
        )
    )
    if not conda.pip_requirements:
        return brought
    python = next((package for package in brought if package.name == "python"), None)
    if python is None:
        raise UnsatisfiableError(
            f"The pip requirements need a Python, and no conda package brings one on `{subdir}`",
            hint="add `python=3.11` (or the version you need) to the conda dependencies",
        )
    provided = find_distributions(brought)
    source = spec.files[-1].name if spec.files else "the definition"
    check_requirements(conda.pip_requirements, provided, source=source)
    reporter.step(f"Locking pip requirements for {subdir}")
    added = pip_solver.solve(
        PipRequest(
            subdir=subdir,
            python_version=python.version,
            glibc=find_glibc(facts),
            requirements=conda.pip_requirements,
            options=conda.pip_options,
            provided=provided,
            directory=spec.directory,
        )
    )
    return (*brought, *added)
