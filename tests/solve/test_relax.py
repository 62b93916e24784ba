from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from support.fakes import FakeCondaSolver, conda_package

from envsync.errors import UnsatisfiableError
from envsync.model.virtual_package import VirtualPackage
from envsync.solve.relax import advise, find_cut_off
from envsync.solve.request import CondaRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from envsync.model.lockfile import LockedPackage
    from envsync.solve.request import CondaSolver

PYTORCH = "https://conda.anaconda.org/pytorch::"
DAY = timedelta(days=1)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc) + DAY


def ask(
    *specs: str,
    solver: CondaSolver,
    implied: tuple[str, ...] = (),
    cut_off: datetime | None = None,
    reasons: tuple[str, ...] = (),
    facts: tuple[VirtualPackage, ...] = (),
) -> str | None:
    request = CondaRequest(
        subdir="linux-64",
        channels=(),
        match_specs=(*specs, *implied),
        virtual_packages=facts,
        exclude_newer=cut_off,
    )
    return advise(request, specs, reasons, solver)


@dataclass
class Picky:
    """Has one version of each package and no answer to some match specs."""

    packages: tuple[LockedPackage, ...]
    refuses: frozenset[str]

    def solve(self, request: CondaRequest) -> tuple[LockedPackage, ...]:
        if self.refuses & set(request.match_specs):
            raise UnsatisfiableError("No solution")
        names = {text.rpartition("::")[2].split("=")[0] for text in request.match_specs}
        return tuple(each for each in self.packages if each.name in names)

    def list_names(self, request: CondaRequest) -> frozenset[str]:
        del request
        return frozenset(package.name for package in self.packages)

    def detect_virtual_packages(self) -> tuple[()]:
        return ()


BOTH = (conda_package("python", "3.11"), conda_package("numpy", "2.0"))


@pytest.mark.parametrize(
    ("refused", "hint"),
    [
        (
            "numpy=1",
            "relax or drop the version in `numpy=1` (then it is 2.0)",
        ),
        ("numpy", "relax or drop `numpy`"),
        (
            "numpy[build=x]",
            "relax or drop the conditions in `numpy[build=x]` (then it is 2.0)",
        ),
        (
            f"{PYTORCH}numpy=1",
            "relax or drop the channel of `pytorch::numpy=1` (then it is 2.0)",
        ),
    ],
)
def test_the_requirement_without_which_there_is_a_solution_is_named(
    refused: str, hint: str
) -> None:
    assert ask("python", refused, solver=Picky(BOTH, frozenset({refused}))) == (
        f"{hint}: then there is a solution"
    )


def test_only_what_the_definition_asks_for_is_to_be_relaxed_and_once() -> None:
    solver = Picky((*BOTH, conda_package("pip")), frozenset({"pip"}))

    assert ask("numpy", "pip", "pip", solver=solver) == (
        "relax or drop `pip`: then there is a solution"
    )
    assert ask("numpy", "pip", implied=("pip",), solver=solver) == (
        "relax or drop `pip`: then there is a solution"
    )
    assert ask("numpy", implied=("pip",), solver=solver) is None


@pytest.mark.parametrize(
    ("specs", "hint"),
    [
        (("nunpy=1.19",), "correct or drop `nunpy` (did you mean `numpy`?): no channel has it"),
        (("azureml-core",), "correct or drop `azureml-core`: no channel has it"),
        (
            ("x::none", "Pythonn"),
            "correct or drop `none`, `pythonn` (did you mean `python`?): no channel has them",
        ),
    ],
)
def test_names_that_no_channel_has_are_named_with_those_that_may_be_meant(
    specs: tuple[str, ...], hint: str
) -> None:
    assert ask("python", *specs, solver=FakeCondaSolver(packages=BOTH)) == (
        f"{hint} for `linux-64`; what is on PyPI alone goes under `pip:`"
    )


def test_requirements_that_nothing_answers_are_named_together() -> None:
    solver = Picky(BOTH, frozenset({"numpy=1", "python=2", "numpy", "python"}))

    assert ask("numpy=1", "python=2", solver=solver) == (
        "correct or drop `numpy=1`, `python=2`: no package is an answer to any of them"
    )


def published(day: str) -> Callable[[datetime | None], None]:
    def solve(cut_off: datetime | None) -> None:
        if cut_off is not None and cut_off < moment(day):
            raise UnsatisfiableError("No solution")

    return solve


@pytest.mark.parametrize("day", ["2020-06-02", "2021-04-12", "2024-02-29"])
def test_the_earliest_date_that_will_do_is_found(day: str) -> None:
    assert find_cut_off(moment("2020-06-01"), published(day)) == (
        f"lock with `--exclude-newer {day}` or a later date"
    )


def test_a_time_of_day_leads_to_a_day_that_will_do() -> None:
    cut_off = datetime(2020, 6, 1, 12, 30, tzinfo=timezone.utc)
    hint = find_cut_off(cut_off, published("2021-04-12"))
    day = str(hint).partition("--exclude-newer ")[2][:10]

    published("2021-04-12")(moment(day))


def test_a_date_is_not_blamed_where_it_is_none_or_not_in_the_way() -> None:
    def refuse(cut_off: datetime | None) -> None:
        raise UnsatisfiableError(f"No solution at {cut_off}")

    assert find_cut_off(None, refuse) is None
    assert find_cut_off(moment("2020-06-01"), refuse) is None


def test_packages_without_a_date_need_a_lock_without_one() -> None:
    def solve(cut_off: datetime | None) -> None:
        if cut_off is not None:
            raise UnsatisfiableError("No solution")

    assert find_cut_off(moment("2020-06-01"), solve) == "lock with `--exclude-newer none`"


def test_the_date_is_named_before_the_pins() -> None:
    class Dated(Picky):
        def solve(self, request: CondaRequest) -> tuple[LockedPackage, ...]:
            if request.exclude_newer is not None and "numpy=2" in request.match_specs:
                published("2021-04-12")(request.exclude_newer)
            return Picky.solve(self, replace(request, exclude_newer=None))

    hint = ask(
        "numpy=2",
        solver=Dated(BOTH, frozenset()),
        cut_off=datetime(2020, 6, 2, tzinfo=timezone.utc),
    )

    assert hint == (
        "lock with `--exclude-newer 2021-04-12` or a later date, "
        "or relax or drop the version in `numpy=2` (then it is 2.0): then there is a solution"
    )


@pytest.mark.parametrize(
    ("reasons", "needed", "told"),
    [
        (("└─ __cuda *, for which no candidates were found.",), "__cuda", "cuda=…"),
        (("__cuda >=12.9, for which", "__cuda >=11.8, for which"), "__cuda", "cuda=11.8"),
        (("__glibc >=2.28,<3.0.a0, for which no",), "__glibc", "glibc=2.28"),
        (("__win *, for which no candidates were found.",), "__win", None),
        (("numpy >=2.0, for which no candidates were found.",), "__cuda", None),
    ],
)
def test_facts_of_the_machines_that_are_missing_are_to_be_stated(
    reasons: tuple[str, ...], needed: str, told: str | None
) -> None:
    class OfMachines(Picky):
        def solve(self, request: CondaRequest) -> tuple[LockedPackage, ...]:
            had = {fact.name: fact.version for fact in request.virtual_packages}
            if had.get(needed, "2.17") == "2.17":
                raise UnsatisfiableError("No solution")
            return BOTH

    hint = ask(
        "numpy",
        solver=OfMachines(BOTH, frozenset()),
        reasons=reasons,
        facts=(VirtualPackage(name="__glibc", version="2.17"),),
    )

    stated = f"state that its machines have it: `--system-requirements {told}`"
    alone = "correct or drop `numpy`: no package is an answer to it"
    assert hint == (f"{stated}: then there is a solution" if told else alone)
