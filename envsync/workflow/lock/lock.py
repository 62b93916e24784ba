"""The story of `envsync lock`."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from envsync.definition import load
from envsync.errors import DefinitionError, EnvsyncError
from envsync.lock.consistency import drop_unsound, find_inconsistencies
from envsync.lock.formats.source_code import find_builds, refuse_builds
from envsync.lock.freshness import find_staleness
from envsync.lock.reader import LOCKFILE_NAME, load_lockfile
from envsync.model.text.wording import count, shell_quote, suggest
from envsync.solve.subdirs import choose_subdirs
from envsync.workflow.lock.base.image import BasePlan
from envsync.workflow.lock.engines import LazyEngines
from envsync.workflow.lock.options import LockOptions, LockOutcome
from envsync.workflow.lock.pip.lines import list_pip_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from envsync.errors import Finding
    from envsync.model.environment import CondaSpec, EnvironmentSpec
    from envsync.model.lockfile import Lockfile
    from envsync.model.progress import Reporter
    from envsync.workflow.lock.solving import Solved


def lock(
    directory: Path,
    *,
    reporter: Reporter,
    options: LockOptions | None = None,
    engines: LazyEngines | None = None,
) -> LockOutcome:
    """Lock the definition in *directory*, and write `conda-lock.yml` beside it.

    A lock that answers the definition is left as it is, unless *options* ask for more. Else
    what still fits is kept. The file is written whole or not at all; where no subdir can be
    locked an earlier one stands.

    Raises:
        DefinitionError: the definition is wrong.
        UnsatisfiableError: no set of packages answers it.
        EnvsyncError: a channel or an index can't be reached, or the file can't be written.
    """
    options = options or LockOptions()
    loaded = load(directory)
    spec = loaded.spec
    conda = _find_conda(spec, directory)
    risks = _find_risks(spec) if conda.has_pip_section else ()
    if risks and not options.allow_unreproducible:
        raise DefinitionError.from_findings(risks)
    warnings = (*loaded.warnings, *risks)
    path = spec.directory / LOCKFILE_NAME
    before = _load_earlier(path)
    base = BasePlan(spec, before, options)
    options = replace(options, update=base.other_updates)
    locked = before.subdirs if before is not None else ()
    subdirs = choose_subdirs(spec, options.subdirs, locked=locked)
    kept = drop_unsound(before) if before is not None else None
    start = engines or LazyEngines(os.environ, offline=options.offline)
    if before is not None and _is_enough(spec, before, subdirs, options):
        if options.no_build:
            refuse_builds(before.packages, file=str(path))
        return replace(_keep(before, path, options, base, start), warnings=warnings)
    from envsync.workflow.lock.python_note import describe_python
    from envsync.workflow.lock.solving import solve  # these are for locks that are not fresh

    base.start(start.digests)
    outcome = solve(spec, conda, subdirs, (kept, options, base), start(), reporter)
    if options.no_build:
        refuse_builds(outcome.lockfile.packages, file=str(path))
    builds = find_builds(outcome.lockfile.packages, file=str(path))
    python = describe_python(conda, outcome.lockfile)
    absent = _describe_absent(options.update, (before, outcome.lockfile), path)
    notes = (*((python,) if python else ()), *absent, *outcome.base_notes)
    return replace(_write(path, outcome, options, warnings=(*warnings, *builds)), notes=notes)


def _keep(
    before: Lockfile, path: Path, options: LockOptions, base: BasePlan, start: LazyEngines
) -> LockOutcome:
    """Leave the lock *before* as it is, but for its base image where that is to be updated."""
    if not base.is_update:
        return LockOutcome(
            path=path,
            lockfile=before,
            was_written=False,
            changes=(),
            failures=(),
            warnings=(),
            notes=base.describe_kept(),
        )
    from envsync.workflow.lock.solving import move_base

    base.start(start.digests)
    moved = move_base(before, base.finish())
    return replace(_write(path, moved, options, warnings=()), notes=moved.base_notes)


def _find_conda(spec: EnvironmentSpec, directory: Path) -> CondaSpec:
    """Return what there is to lock of *spec*, which *directory* was given for.

    Raises:
        DefinitionError: there is nothing, or it is an environment that was given.
    """
    if (spec.directory / "conda-meta").is_dir():
        raise DefinitionError(
            f"`{directory}` is an environment, not a definition",
            hint=f"run `envsync save-to-directory {shell_quote(directory)} DIR`, and lock that",
        )
    if spec.conda is None:
        message = f"`{directory}` has no conda dependencies to lock"
        raise DefinitionError(message, hint=_advise_conda(spec))
    return spec.conda


def _describe_absent(
    names: Sequence[str], locks: Sequence[Lockfile | None], path: Path
) -> Iterator[str]:
    """Say which of *names* were to be updated and are in none of *locks*, the old and the new."""
    if not names:
        return
    from envsync.lock.graph import normalize

    known = {normalize(each.name) for lock in locks if lock for each in lock.packages}
    for name in names:
        if normalize(name) not in known:
            meant = f"; {hint}" if (hint := suggest(name, sorted(known))) else ""
            yield f"`{name}` is not updated: `{path}` has no such package{meant}"


def _advise_conda(spec: EnvironmentSpec) -> str:
    """Return what to do about *spec*, which has no conda dependencies."""
    if spec.base_dockerfile is not None or spec.build_context is not None:
        return "what a Dockerfile installs can't be locked; list it in a conda file, on an image"
    if spec.azureml_v2 is not None or not any(file.suffix == ".json" for file in spec.files):
        return "list what the environment needs under `conda_file`"
    return "add a `conda_dependencies.yml` beside `azureml_environment.json`"


def _find_risks(spec: EnvironmentSpec) -> tuple[Finding, ...]:
    from envsync.definition.requirement.pip_section import (
        read_pip_section,  # it takes a parser of requirements
    )

    return read_pip_section(spec)[1]


def _load_earlier(path: Path) -> Lockfile | None:
    """Return the lock that is there; one that can't be read is replaced, so it counts as none.

    Raises:
        EnvsyncError: a folder, a pipe or the like is in its place.
    """
    if path.exists() and not path.is_file():
        raise EnvsyncError(f"`{path}` is not a file", hint="move away what is in its place")
    try:
        return load_lockfile(path)
    except EnvsyncError:
        return None


def _is_enough(
    spec: EnvironmentSpec, before: Lockfile, subdirs: Sequence[str], options: LockOptions
) -> bool:
    return (
        options.is_plain
        and set(before.subdirs) == set(subdirs)
        and not find_staleness(spec, before, subdirs, pip_lines=list_pip_lines(spec))
        and not find_inconsistencies(before)
    )


def _write(
    path: Path, solved: Solved, options: LockOptions, *, warnings: tuple[Finding, ...]
) -> LockOutcome:
    if options.max_changes is not None and len(solved.changes) > options.max_changes:
        raise EnvsyncError(
            f"`{path}` would change {count(len(solved.changes), 'package')}, "
            f"more than the {options.max_changes} of `--max-changes`",
            hint="see them with `envsync diff` after locking a copy, or raise the number",
        )
    outcome = LockOutcome(
        path=path,
        lockfile=solved.lockfile,
        was_written=False,
        changes=solved.changes,
        failures=solved.failures,
        warnings=warnings,
    )
    content = solved.text.encode()
    if path.exists() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return outcome
    from envsync.files import write_atomically

    write_atomically(path, content)
    return replace(outcome, was_written=True)
