"""Lock the definition in a folder, offline, and print when each part began and what it took.

    python lock_parts.py DIR

`bench_lock.py` runs it, with warm caches.
"""

# ruff: noqa: PLC0415  # imports are a part of what is timed
from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

START = time.perf_counter()
ROWS: list[tuple[str, float, float]] = []


class Parts:
    """An object whose method `solve`, and no other, is timed."""

    def __init__(self, name: str, solver: Any) -> None:
        self._name = name
        self._solver = solver

    def solve(self, request: Any) -> Any:
        return timed(self._name, lambda: self._solver.solve(request))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._solver, name)


class Quiet:
    """A reporter that says nothing."""

    def step(self, text: str, *, total: int | None = None) -> None: ...

    def advance(self) -> None: ...

    def note(self, text: str) -> None: ...


def timed(name: str, call: Callable[[], Result]) -> Result:
    """Return what *call* does, and note its time."""
    began = time.perf_counter()
    result = call()
    ROWS.append((name, began - START, time.perf_counter() - began))
    return result


def import_story() -> None:
    import envsync.cli.lock
    import envsync.cli.terminal.group
    import envsync.workflow.lock.solving  # noqa: F401


def import_conda_lock() -> None:
    import envsync.adapters.conda_lock  # noqa: F401


def lock(directory: Path) -> None:
    """Lock with each part timed; some go on at the same time, in threads."""
    from dataclasses import replace

    from envsync.adapters import conda_lock
    from envsync.workflow.lock.engines import Engines, LazyEngines
    from envsync.workflow.lock.lock import lock as lock_definition
    from envsync.workflow.lock.options import LockOptions

    class TimedEngines(LazyEngines):
        def __call__(self) -> Engines:
            found = timed("start engines, with their import", super().__call__)
            conda: Any = Parts("conda", found.conda)
            pip: Any = Parts("pip", found.pip)
            return replace(found, conda=conda, pip=pip)

    dump, compute = conda_lock.dump_lockfile, conda_lock.compute_content_hash
    conda_lock.dump_lockfile = lambda lockfile: timed("write", lambda: dump(lockfile))
    conda_lock.compute_content_hash = lambda *given: timed("content hash", lambda: compute(*given))
    timed(
        "all of the lock",
        lambda: lock_definition(
            directory,
            reporter=Quiet(),
            options=LockOptions(subdirs=("linux-64",), offline=True),
            engines=TimedEngines(os.environ, offline=True),
        ),
    )


def main() -> None:
    """Lock, and print a table."""
    directory = Path(sys.argv[1])
    (directory / "conda-lock.yml").unlink(missing_ok=True)
    timed("import envsync", import_story)
    timed("import conda-lock", import_conda_lock)
    lock(directory)
    print("| part | begins after | takes |\n| --- | --- | --- |")
    for name, began, seconds in ROWS:
        print(f"| {name} | {began * 1000:.0f} ms | {seconds * 1000:.0f} ms |")
    sys.stdout.flush()
    os._exit(0)  # rattler's threads may crash the interpreter while that shuts down


if __name__ == "__main__":
    main()
