"""What an environment can be told to do, on its frozen definition."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.sdk.place import find_lock, placed
from envsync.sdk.results import CheckResult
from envsync.workflow.environment import build as building
from envsync.workflow.lock import lock as locking
from envsync.workflow.lock.check import check_spec
from envsync.workflow.lock.options import LockOptions

if TYPE_CHECKING:
    from envsync.model.environment import EnvironmentSpec
    from envsync.model.image import Image
    from envsync.model.progress import Reporter
    from envsync.workflow.environment.build import BuildOutcome
    from envsync.workflow.lock.options import LockOutcome


def lock(
    spec: EnvironmentSpec, source: Path | None, options: LockOptions | None, reporter: Reporter
) -> LockOutcome:
    """Lock *spec*, which comes from the definition *source* if any.

    Raises:
        EnvsyncError: a subdir could not be locked; the lock of the others is written.
    """
    _check_managed(spec)
    with placed(spec, source) as directory:
        return _lock(directory, options, reporter)


def check(spec: EnvironmentSpec, source: Path | None) -> CheckResult:
    """Return whether the lock answers *spec*; nothing is written.

    Raises:
        DefinitionError: the lock is wrong.
    """
    path = find_lock(spec, source)
    if not path.exists():
        return CheckResult(path=path, reasons=(f"`{path}` is not there",))
    named = spec if spec.files else replace(spec, files=(Path(spec.name or "environment"),))
    outcome = check_spec(named, path)
    stale = (one.text for one in outcome.staleness)
    return CheckResult(path=path, reasons=(*stale, *outcome.inconsistencies))


def build(
    spec: EnvironmentSpec,
    source: Path | None,
    *,
    prefix: Path | None,
    frozen: bool,
    no_build: bool = False,
    reporter: Reporter,
) -> BuildOutcome:
    """Make the environment of *spec*, with a lock that is made first where there is none.

    A stale lock is made anew only where envsync keeps it, and not with *frozen*. With *no_build*
    source code is refused.

    Raises:
        StaleLockError: the lock beside *source* does not answer it.
        EnvsyncError: it can't be locked or made.
    """
    _check_managed(spec)
    with placed(spec, source) as directory:
        if _needs_lock(spec, source, frozen=frozen):
            _lock(directory, LockOptions(no_build=no_build), reporter)
        return building.build_local(
            directory, reporter=reporter, prefix=prefix, frozen=frozen, no_build=no_build
        )


def build_image(
    spec: EnvironmentSpec,
    source: Path | None,
    *,
    frozen: bool,
    no_build: bool = False,
    reporter: Reporter,
) -> Image:
    """Make the image of *spec* in the Docker Engine, locked as `build` does.

    What is user-managed needs no lock; its image is the base image with the definition's variables.

    Raises:
        StaleLockError: the lock beside *source* does not answer it.
        EnvsyncError: it can't be locked or made, or no Docker Engine can be reached.
    """
    from envsync.workflow.image import build as images  # noqa: PLC0415  # a third of all imports
    from envsync.workflow.image.sinks import Targets  # noqa: PLC0415  # likewise

    with placed(spec, source) as directory:
        is_managed = spec.python.user_managed_dependencies
        if not is_managed and _needs_lock(spec, source, frozen=frozen):
            _lock(directory, LockOptions(no_build=no_build), reporter)
        options = images.ImageOptions(frozen=frozen, no_build=no_build)
        targets = Targets(engine=True)
        return images.build_image(
            directory, targets=targets, options=options, reporter=reporter
        ).image


def _check_managed(spec: EnvironmentSpec) -> None:
    if spec.python.user_managed_dependencies:
        raise DefinitionError(
            f"The dependencies of `{spec.name}` are user-managed, so there is nothing to make",
            hint="set `python.user_managed_dependencies` to False",
        )


def _lock(directory: Path, options: LockOptions | None, reporter: Reporter) -> LockOutcome:
    outcome = locking.lock(directory, options=options, reporter=reporter)
    if outcome.failures:
        raise outcome.failures[0]
    return outcome


def _needs_lock(spec: EnvironmentSpec, source: Path | None, *, frozen: bool) -> bool:
    if not find_lock(spec, source).exists():
        return True
    return source is None and not frozen and not check(spec, source).is_fresh
