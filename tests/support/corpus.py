"""Definitions from the field, and what rattler alone makes of their conda part."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import rattler
from rattler.exceptions import GatewayError, InvalidMatchSpecError, SolverError
from rattler.networking import Client
from rattler.package import BuildString, PackageName
from rattler.repo_data.multi_source import MultiSource

from envsync.adapters.rattler import RattlerSolver, load_config
from envsync.definition import load
from envsync.errors import DefinitionError, EnvsyncError
from envsync.model.virtual_package import DEFAULTS
from envsync.solve.subdir_lock import SubdirTask, solve_subdir
from support.fakes import FakePipSolver, RecordingReporter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from envsync.model.environment import CondaSpec, EnvironmentSpec

Solution = set[tuple[str, str, str]]

_SUBDIR = "linux-64"
_DEFAULTS = ["https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r"]


def list_definitions(shared: Path) -> tuple[Path, ...]:
    """Return the definitions of the corpus, files and folders, in an order that stays."""
    corpus = shared / "corpus"
    return (
        *sorted((corpus / "conda_yml").glob("*.yml")),
        *sorted((corpus / "azureml_env").iterdir()),
    )


def compare(
    paths: tuple[Path, ...], cache: Path
) -> Iterator[tuple[Path, Solution, Solution | str]]:
    """Yield each of *paths* that rattler solves, with its answer and envsync's, or its error."""
    config = load_config()
    gateway = rattler.Gateway.from_config(
        config, client=Client.from_config(config), cache_dir=cache
    )
    solver = RattlerSolver(config)
    for path in paths:
        try:
            spec = load(path).spec
        except DefinitionError:
            continue
        bare = _solve_bare(spec.conda, gateway) if spec.conda is not None else None
        if bare is not None:
            yield path, bare, _solve_here(spec, solver)


def _solve_bare(conda: CondaSpec, gateway: rattler.Gateway) -> Solution | None:
    """Solve what the file says, each word of it by rattler's own means."""
    sources = [
        MultiSource("defaults", _DEFAULTS)
        if name in ("defaults", "anaconda")
        else rattler.Channel(name)
        for name in (conda.channels or ("defaults",))
        if name != "nodefaults"
    ]
    facts = [
        rattler.GenericVirtualPackage(
            PackageName(fact.name), rattler.Version(fact.version), BuildString(fact.build)
        )
        for fact in DEFAULTS[_SUBDIR]
    ]
    texts = (*conda.match_specs, *(("pip",) if conda.has_pip_section else ()))
    try:
        specs = [rattler.MatchSpec(text) for text in texts]
        records = asyncio.run(
            rattler.solve(
                sources,
                specs,
                gateway=gateway,
                platforms=[_SUBDIR, "noarch"],
                virtual_packages=facts,
            )
        )
    except (GatewayError, InvalidMatchSpecError, SolverError):
        return None
    return {(each.name.normalized, str(each.version), str(each.build)) for each in records}


def _solve_here(spec: EnvironmentSpec, solver: RattlerSolver) -> Solution | str:
    assert spec.conda is not None
    task = SubdirTask(subdir=_SUBDIR, facts=DEFAULTS[_SUBDIR])
    conda = replace(spec.conda, pip_requirements=(), pip_options=())
    solvers = (solver, FakePipSolver())
    try:
        found = solve_subdir(spec, conda, task, solvers=solvers, reporter=RecordingReporter())
    except EnvsyncError as error:
        return error.message
    return {(each.name, each.version, each.build) for each in found}
