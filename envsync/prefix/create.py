"""Creating a conda environment: built aside, checked, switched in one step."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.files import lock_directory, remove_tree
from envsync.model.environment_name import check_prefix
from envsync.model.text.redaction import quote
from envsync.model.text.wording import count
from envsync.package.python import python_path
from envsync.package.witnesses import find_drift
from envsync.prefix.conda_state import register, write_state
from envsync.prefix.location import check_replaceable, generations_path
from envsync.prefix.receipt import Plan, read_receipt, renew_origin, write_receipt
from envsync.prefix.scripts import retarget_scripts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envsync.model.progress import Reporter
    from envsync.package.installers import CondaInstaller, PipInstaller

_KEPT_GENERATIONS = 2  # the current one, and one to go back to
_UNFINISHED = ".partial"


def is_current(plan: Plan) -> bool:
    """Return whether the plan's prefix was created from an equal plan, and is unchanged.

    This check is cheap: it does not see an edit of a package's file.
    """
    return _find_drift(plan) == ()


def create_prefix(
    plan: Plan,
    *,
    conda: CondaInstaller,
    pip: PipInstaller,
    reporter: Reporter,
    reinstall: bool = False,
) -> bool:
    """Create the environment of *plan*; return False if it exists, unless *reinstall*.

    At every moment the prefix is either the old or the whole new environment. This waits for
    another process that creates the same prefix.

    Raises:
        DefinitionError: an environment would not work at the prefix.
        EnvsyncError: at the prefix is something that envsync did not create, or a package can't
            be installed.
    """
    check_prefix(plan.prefix)
    check_replaceable(plan.prefix)
    generations = generations_path(plan.prefix)
    with lock_directory(generations):
        if not reinstall and is_current(plan):
            renew_origin(plan)
            return False
        if not reinstall and (drift := _find_drift(plan)):
            reporter.note(f"`{plan.prefix}` was changed: {'; '.join(drift)}")
        for unfinished in generations.glob(f"*{_UNFINISHED}"):
            remove_tree(unfinished)
        finished = generations / str(max(_list_numbers(generations), default=0) + 1)
        target = _name_unfinished(finished)
        try:
            _fill(target, plan, conda=conda, pip=pip, reporter=reporter)
            target.rename(finished)
            _point(plan.prefix, finished)
        except BaseException:
            remove_tree(target)
            raise
        _remove_old(generations, current=finished)
    register(plan.prefix)
    return True


def _find_drift(plan: Plan) -> tuple[str, ...] | None:
    """Return the changes since the environment of *plan* was created, None if it is not there."""
    receipt = read_receipt(plan.prefix) if plan.prefix.is_symlink() else None
    if receipt is None or receipt.digest != plan.digest:
        return None
    return find_drift(plan.prefix, receipt.stamps, receipt.hashes)


def _fill(
    target: Path, plan: Plan, *, conda: CondaInstaller, pip: PipInstaller, reporter: Reporter
) -> None:
    conda_packages = [package for package in plan.packages if package.manager == "conda"]
    pip_packages = [package for package in plan.packages if package.manager == "pip"]
    reporter.step("Installing conda packages", total=len(conda_packages))
    target.mkdir()
    leading_out = conda.install(
        conda_packages,
        target=target,
        prefix=plan.prefix,
        requested=plan.requested,
        reporter=reporter,
    )
    if pip_packages:
        reporter.step(f"Installing {count(len(pip_packages), 'pip package')}")
        python = _find_python(target)
        with _set_aside(target, leading_out):
            pip.install(pip_packages, python=python)
            retarget_scripts(target, plan.prefix)
    write_state(target, plan.environment_variables)
    write_receipt(target, plan)


def _find_python(target: Path) -> Path:
    """Return the interpreter to install pip packages for, which is in *target* itself."""
    python = python_path(target)
    if not python.exists():
        raise EnvsyncError(
            "The lockfile has pip packages and no Python to install them for",
            hint="add `python=3.11` (or the version you need) to the conda dependencies",
        )
    if not python.resolve().is_relative_to(target.resolve()):
        raise EnvsyncError(
            "The Python of the conda packages is a link that leads out of the environment: pip "
            "packages would be installed there"
        )
    return python


@contextlib.contextmanager
def _set_aside(target: Path, links: Sequence[str]) -> Iterator[None]:
    """Remove *links* from *target* meanwhile, so that no pip package writes through one."""
    targets = {path: (target / path).readlink() for path in links}
    for path in targets:
        (target / path).unlink()
    yield
    for path, leads_to in targets.items():
        if os.path.lexists(target / path):  # noqa: TID251  # `exists` follows links
            raise EnvsyncError(
                f"A pip package has files at {quote(path)}, where a conda package has a link that "
                "leads out of the environment",
                hint="remove one of the packages",
            )
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).symlink_to(leads_to)


def _point(prefix: Path, generation: Path) -> None:
    """Make *prefix* a link to *generation*, in one step."""
    if prefix.is_dir() and not prefix.is_symlink():
        prefix.rmdir()  # empty: anything else was refused
    link = generation.parent / "switching"
    link.unlink(missing_ok=True)
    link.symlink_to(Path(generation.parent.name, generation.name))
    link.replace(prefix)


def _list_numbers(generations: Path) -> list[int]:
    return sorted(int(path.name) for path in generations.iterdir() if path.name.isdigit())


def _name_unfinished(finished: Path) -> Path:
    """Return a new name for building *finished*.

    After envsync was killed, its pip installer may still be writing to the old one.
    """
    return finished.with_name(f"{finished.name}-{os.urandom(4).hex()}{_UNFINISHED}")


def _remove_old(generations: Path, *, current: Path) -> None:
    for number in _list_numbers(generations)[:-_KEPT_GENERATIONS]:
        if str(number) != current.name:
            remove_tree(generations / str(number))
