from dataclasses import replace
from pathlib import Path

import pytest
from support.fakes import (
    NEEDS_PYTHON,
    FakeCondaSolver,
    FakePipSolver,
    RecordingReporter,
    conda_package,
    pip_package,
)

from envsync.errors import DefinitionError, UnsatisfiableError
from envsync.model.environment import CondaSpec, EnvironmentSpec
from envsync.model.lockfile import LockedPackage
from envsync.model.subdir import current_subdir
from envsync.model.virtual_package import DEFAULTS
from envsync.solve.request import CondaRequest, PythonDistribution
from envsync.solve.subdir_lock import SubdirTask, solve_subdir
from envsync.solve.subdirs import choose_subdirs

PYTHON = conda_package("python", "3.11.9")
NUMPY = conda_package("numpy", "1.24.4", dependencies=NEEDS_PYTHON)
PIP = conda_package("pip", "25.0", dependencies=NEEDS_PYTHON)
CONDA = CondaSpec(
    channels=("conda-forge", "nodefaults"),
    match_specs=("python=3.11", "numpy=1.24"),
    pip_requirements=("six",),
    has_pip_section=True,
)


def solve(
    conda: CondaSpec,
    subdir: str = "linux-64",
    pip: FakePipSolver | None = None,
    solver: FakeCondaSolver | None = None,
) -> tuple[LockedPackage, ...]:
    spec = EnvironmentSpec(
        name="x", directory=Path("d"), files=(Path("conda_dependencies.yml"),), conda=conda
    )
    return solve_subdir(
        spec,
        conda,
        SubdirTask(subdir=subdir, facts=DEFAULTS[subdir]),
        solvers=(
            solver or FakeCondaSolver(packages=(PYTHON, NUMPY, PIP)),
            pip or FakePipSolver(packages=(pip_package("six"),)),
        ),
        reporter=RecordingReporter(),
    )


def test_pip_comes_on_top_of_conda() -> None:
    assert [package.name for package in solve(CONDA)] == ["numpy", "pip", "python", "six"]


def test_pip_is_told_what_conda_brings_and_for_which_python() -> None:
    pip = FakePipSolver()

    solve(CONDA, pip=pip)

    (request,) = pip.requests
    assert request.python_version == "3.11.9"
    assert request.provided == (
        PythonDistribution(name="numpy", version="1.24.4"),
        PythonDistribution(name="pip", version="25.0"),
    )


def test_without_pip_requirements_pip_is_not_asked() -> None:
    pip = FakePipSolver()

    solve(replace(CONDA, pip_requirements=()), pip=pip)

    assert pip.requests == []


def test_channels_keep_their_order_and_nodefaults_is_none() -> None:
    solver = FakeCondaSolver(packages=(PYTHON, NUMPY, PIP))

    solve(CONDA, solver=solver)

    assert [channel.name for channel in solver.requests[0].channels] == ["conda-forge"]


def test_what_is_to_be_kept_goes_to_the_solver_it_came_from() -> None:
    solver, pip = FakeCondaSolver(packages=(PYTHON, NUMPY, PIP)), FakePipSolver()
    spec = EnvironmentSpec(name="x", directory=Path("d"), files=(), conda=CONDA)
    task = SubdirTask(
        subdir="linux-64", facts=DEFAULTS["linux-64"], preferred=(NUMPY, pip_package("six"))
    )

    solve_subdir(spec, CONDA, task, solvers=(solver, pip), reporter=RecordingReporter())

    assert solver.requests[0].preferred == (NUMPY,)
    assert pip.requests[0].preferred == (pip_package("six"),)


def test_a_pip_requirement_that_conda_contradicts_names_both() -> None:
    with pytest.raises(UnsatisfiableError) as caught:
        solve(replace(CONDA, pip_requirements=("NumPy<1.20", "six", "./local")))

    assert caught.value.message == (
        "The pip requirements contradict the conda packages\n"
        "  `NumPy<1.20` is requested under `pip:` in `conda_dependencies.yml`, "
        "conda provides `numpy 1.24.4`"
    )


def test_conda_brings_another_version_where_the_definition_leaves_it_open() -> None:
    class Newest(FakeCondaSolver):
        def solve(self, request: CondaRequest) -> tuple[LockedPackage, ...]:
            self.requests.append(request)
            old = "numpy <=1.19.5" in request.match_specs
            return (PYTHON, replace(NUMPY, version="1.19.5") if old else NUMPY, PIP)

    solver, pip = Newest(), FakePipSolver(packages=(pip_package("numpy", "1.19.5"),))
    open_ = replace(CONDA, match_specs=("python=3.11", "numpy"), pip_requirements=("numpy<1.20",))

    found = solve(open_, solver=solver, pip=pip)

    assert [(each.name, each.version) for each in found][:2] == [
        ("python", "3.11.9"),
        ("numpy", "1.19.5"),
    ]
    assert len(solver.requests) == 2


def test_pip_requirements_without_a_python_are_an_error() -> None:
    with pytest.raises(UnsatisfiableError, match="no conda package brings one on `linux-64`"):
        solve(replace(CONDA, match_specs=("numpy",)))


def test_the_usual_subdirs_are_the_image_and_this_machine() -> None:
    spec = EnvironmentSpec(name="x", directory=Path(), files=())

    assert set(choose_subdirs(spec)) == {"linux-64", current_subdir()}
    assert choose_subdirs(spec, ["win-64", "linux-64", "win-64"]) == ("linux-64", "win-64")


def test_an_unknown_subdir_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(DefinitionError) as caught:
        choose_subdirs(EnvironmentSpec(name="x", directory=Path(), files=()), ["linux-65"])

    assert "`linux-64`" in str(caught.value.hint)


def test_a_pip_requirement_for_another_python_contradicts_nothing() -> None:
    pip = FakePipSolver()

    solve(replace(CONDA, pip_requirements=("numpy<1.20; python_version < '3.8'",)), pip=pip)

    assert len(pip.requests) == 1


def test_a_pip_requirement_whose_marker_holds_may_contradict() -> None:
    with pytest.raises(UnsatisfiableError, match="contradict"):
        solve(replace(CONDA, pip_requirements=("numpy<1.20; sys_platform == 'linux'",)))
