"""The story of `envsync lock` for many definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.model.progress import NamedReporter
from envsync.workflow.lock.engines import LazyEngines
from envsync.workflow.lock.lock import lock
from envsync.workflow.lock.thread_pool import open_pool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from envsync.model.progress import Reporter
    from envsync.workflow.lock.options import LockOptions, LockOutcome

_TOGETHER = 4  # definitions at a time; the work is the engines'


def lock_all(
    directories: Sequence[Path],
    *,
    options: LockOptions,
    reporter: Reporter,
    environ: Mapping[str, str],
) -> Iterator[LockOutcome | EnvsyncError]:
    """Lock each definition of *directories*, side by side; yield in their order.

    They share one repodata gateway, which is started only if a lock is not fresh. *reporter* hears
    of which of several definitions a step is.
    """
    engines = LazyEngines(environ, offline=options.offline)
    if len(directories) == 1:
        yield _lock_or_fail(directories[0], options=options, reporter=reporter, engines=engines)
        return
    with open_pool(_TOGETHER) as pool:
        for each in [
            pool.submit(
                _lock_or_fail,
                directory,
                options=options,
                reporter=NamedReporter(str(directory), reporter),
                engines=engines,
            )
            for directory in directories
        ]:
            yield each.result()


def _lock_or_fail(
    directory: Path, *, options: LockOptions, reporter: Reporter, engines: LazyEngines
) -> LockOutcome | EnvsyncError:
    try:
        return lock(directory, options=options, reporter=reporter, engines=engines)
    except EnvsyncError as error:
        return error
