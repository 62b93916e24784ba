"""The story of `envsync lock`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.files import write_atomically
from envsync.lock.reader import LOCKFILE_NAME
from envsync.lock.requested import dump_requested, list_requested
from envsync.model.lockfile import Lockfile
from envsync.solve.subdir_lock import solve_subdir
from envsync.solve.subdirs import choose_subdirs
from envsync.spec import load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envsync.errors import Finding
    from envsync.model.environment import CondaSpec, EnvironmentSpec
    from envsync.model.progress import Reporter


@dataclass(frozen=True, kw_only=True, slots=True)
class LockOutcome:
    """What a lock came to; *changed* is False where the file already said the same."""

    path: Path
    lockfile: Lockfile
    changed: bool
    warnings: tuple[Finding, ...]


def lock(directory: Path, *, subdirs: Sequence[str] = (), reporter: Reporter) -> LockOutcome:
    """Lock the definition in *directory*, and write `conda-lock.yml` beside it.

    The file is written whole or not at all; on failure an earlier one stands.

    Raises:
        DefinitionError: the definition is wrong.
        UnsatisfiableError: no set of packages answers it.
        EnvsyncError: a channel or an index can't be reached, or the file can't be written.
    """
    loaded = load(directory)
    spec = loaded.spec
    if spec.conda is None:
        raise DefinitionError(
            f"`{directory}` has no conda dependencies to lock",
            hint="add a `conda_dependencies.yml` beside `azureml_environment.json`",
        )
    chosen = choose_subdirs(spec, subdirs)
    path = spec.directory / LOCKFILE_NAME
    lockfile, text = _solve(spec, spec.conda, chosen, reporter)
    changed = not path.exists() or path.read_bytes() != text.encode()
    if changed:
        write_atomically(path, text.encode())
    return LockOutcome(path=path, lockfile=lockfile, changed=changed, warnings=loaded.warnings)


def _solve(
    spec: EnvironmentSpec, conda: CondaSpec, subdirs: tuple[str, ...], reporter: Reporter
) -> tuple[Lockfile, str]:
    """Return the lockfile and its text.

    Importing conda-lock takes half a second, which passes while the solver waits and works.
    """
    from envsync.adapters.rattler import RattlerSolver, load_config
    from envsync.adapters.uv import UvSolver

    solvers = (RattlerSolver(load_config()), UvSolver())
    requested = list_requested(spec)
    with ThreadPoolExecutor(max_workers=1) as pool:
        content_hash = pool.submit(_compute_content_hash, conda, subdirs)
        packages = tuple(
            package
            for subdir in subdirs
            for package in solve_subdir(spec, conda, subdir, solvers=solvers, reporter=reporter)
        )
        lockfile = Lockfile(
            subdirs=subdirs,
            channels=requested.channels,
            sources=tuple(file.name for file in spec.files[-1:]),
            content_hash=content_hash.result(),
            custom_metadata=dump_requested(requested),
            packages=packages,
        )
    from envsync.adapters.conda_lock import dump_lockfile

    return lockfile, dump_lockfile(lockfile)


def _compute_content_hash(
    conda: CondaSpec, subdirs: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    from envsync.adapters.conda_lock import compute_content_hash

    return compute_content_hash(conda, subdirs)
