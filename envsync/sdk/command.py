"""Lock, check and build an environment from its frozen definition."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.sdk.place import find_lock, placed
from envsync.workflow.environment import build as building
from envsync.workflow.image import build as images
from envsync.workflow.image.sinks import Targets
from envsync.workflow.lock import lock as locking
from envsync.workflow.lock.check import check_spec
from envsync.workflow.lock.options import LockOptions

if TYPE_CHECKING:
    from envsync.model.environment import EnvironmentSpec
    from envsync.model.image import Image
    from envsync.model.progress import Reporter
    from envsync.workflow.environment.build import BuildOutcome
    from envsync.workflow.lock.options import LockOutcome


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckResult:
    """Whether the lockfile at *path* matches the definition; *reasons* explain why it does not."""

    path: Path
    reasons: tuple[str, ...]

    @property
    def is_fresh(self) -> bool:
        """Whether the lockfile exists, is complete and matches the definition."""
        return not self.reasons


def lock(
    spec: EnvironmentSpec, source: Path | None, options: LockOptions | None, reporter: Reporter
) -> LockOutcome:
    """Lock *spec*, loaded from the definition *source* if there is one.

    Raises:
        EnvsyncError: a subdir can't be locked; the lock of the others is written.
    """
    _check_managed(spec)
    with placed(spec, source) as directory:
        return _lock(directory, options, reporter)


def check(spec: EnvironmentSpec, source: Path | None) -> CheckResult:
    """Return whether the lock matches *spec*; nothing is written.

    Raises:
        DefinitionError: the lock is wrong.
    """
    path = find_lock(spec, source)
    if not path.exists():
        return CheckResult(path=path, reasons=(f"`{path}` does not exist",))
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
    """Create the environment of *spec*, and lock it first if there is no lock.

    An out-of-date lock under envsync's home is updated, unless *frozen* is set; one beside
    *source* is not. *no_build* refuses packages that have to be built from source.

    Raises:
        StaleLockError: the lock beside *source* is out of date.
        EnvsyncError: the environment can't be locked or created.
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
    """Build the image of *spec* in the Docker Engine, and lock it as `build` does.

    User-managed dependencies need no lock; their image is the base image with the definition's
    variables.

    Raises:
        StaleLockError: the lock beside *source* is out of date.
        EnvsyncError: the image can't be locked or built, or no Docker Engine can be reached.
    """
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
            f"The dependencies of `{spec.name}` are user-managed: there is nothing to lock",
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
