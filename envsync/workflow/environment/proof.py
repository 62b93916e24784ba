"""Whether an environment is what its lock says: told cheaply, before something runs in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.model.text.wording import shell_quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage, Lockfile
    from envsync.prefix.receipt import Receipt

_DEFINITION = "azureml_environment.json"
_LOCKFILE = "conda-lock.yml"
_MOST_NAMED = 3
_GO_ON = "or go on with `--no-check`"


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """The digest of the lock that an environment was made from, and what speaks against it.

    *lock_digest* is None where it can't be vouched for. Whoever goes on in spite of *problem* uses
    what nobody locked.
    """

    lock_digest: str | None = None
    problem: EnvsyncError | None = None

    def check(self) -> str | None:
        """Return the lock's digest.

        Raises:
            EnvsyncError: the environment is not what its lock says.
        """
        if self.problem is not None:
            hint = f"{self.problem.hint}, {_GO_ON}" if self.problem.hint else None
            raise EnvsyncError(self.problem.message, hint=hint)
        return self.lock_digest


def prove(prefix: Path | None, directory: Path | None, *, is_at_hand: bool = False) -> Proof:
    """Hold the environment at *prefix* against its receipt, and that against *directory*'s lock.

    None of the packages' files are read, only what changes when packages do; `envsync verify`
    reads them all. Of an environment that *is_at_hand*, and not that of the definition in
    *directory*, nothing is known if envsync did not make it, and *directory* may have no lock. It
    may also be a lockfile alone.
    """
    receipt = _read_receipt(prefix) if prefix is not None else None
    place = f" -p {shell_quote(prefix)}" if is_at_hand else ""
    make = f"`envsync build-local {'DIR' if directory is None else shell_quote(directory)}{place}`"
    if prefix is None or receipt is None:
        if is_at_hand:
            return Proof()
        message = f"The environment of `{directory}` does not say what it was made from"
        return Proof(problem=EnvsyncError(message, hint=f"make it anew with {make}"))
    made_from = receipt.origin.lock if receipt.origin is not None else None
    from envsync.package.witnesses import find_drift

    drift = find_drift(prefix, receipt.stamps, receipt.hashes)
    if drift:
        message = f"Environment `{prefix}` is not what its lock says: {_join(drift)}"
        return Proof(problem=EnvsyncError(message, hint=f"make it anew with {make}"))
    if directory is None:
        return Proof(lock_digest=made_from)
    try:
        if _is_lock(directory):
            _hold_against_lock(directory, prefix, receipt, make=make)
        elif not is_at_hand or _has_both(directory):
            _hold_against(directory, prefix, receipt, make=make)
    except EnvsyncError as error:
        return Proof(lock_digest=made_from, problem=error)
    return Proof(lock_digest=made_from)


def _read_receipt(prefix: Path) -> Receipt | None:
    from envsync.prefix.receipt import read_receipt  # an interpreter at hand has none

    return read_receipt(prefix)


def _hold_against(directory: Path, prefix: Path, receipt: Receipt, *, make: str) -> None:
    """Raise what keeps the environment from being the one of *directory*'s definition and lock."""
    from envsync.definition import load
    from envsync.workflow.lock.origin import find_origin

    spec = load(directory).spec
    path = spec.directory / _LOCKFILE
    known = receipt.origin
    is_known = known is not None and known.definition != "" and path.is_file()
    if is_known and find_origin(path, spec) == known:
        return
    from envsync.workflow.lock.check import check_spec

    checked = check_spec(spec, path)
    if checked.staleness:
        message = f"`{path}` is stale: {checked.staleness[0].text}"
        raise EnvsyncError(message, hint=f"run `envsync lock {shell_quote(directory)}` and {make}")
    _compare(checked.lockfile, path, prefix, receipt, make=make)


def _hold_against_lock(path: Path, prefix: Path, receipt: Receipt, *, make: str) -> None:
    """Raise what keeps the environment from being the one of the lockfile at *path*."""
    from envsync.workflow.lock.files import load_lock_file
    from envsync.workflow.lock.origin import find_origin

    if receipt.origin is None or find_origin(path, None) != receipt.origin:
        _compare(load_lock_file(path), path, prefix, receipt, make=make)


def _compare(lockfile: Lockfile, path: Path, prefix: Path, receipt: Receipt, *, make: str) -> None:
    from envsync.model.subdir import current_subdir
    from envsync.prefix.receipt import hash_packages

    packages = lockfile.packages_for(current_subdir() or "")
    if hash_packages(packages) != receipt.packages:
        others = _join(_list_others(prefix, packages)) or "its packages are others"
        raise EnvsyncError(
            f"Environment `{prefix}` was made from another lock than `{path}`: {others}",
            hint=f"run {make}",
        )


def _is_lock(directory: Path) -> bool:
    if not directory.is_file():
        return False
    from envsync.workflow.lock.files import is_lock_file

    return is_lock_file(directory)


def _has_both(directory: Path) -> bool:
    return all((directory / name).is_file() for name in (_DEFINITION, _LOCKFILE))


def _list_others(prefix: Path, packages: Sequence[LockedPackage]) -> Iterator[str]:
    """Give in words how what is installed at *prefix* differs from *packages*."""
    from envsync.lock.deviation import find_deviations
    from envsync.package.installed import list_installed

    installed = list_installed(prefix, packages[0].subdir if packages else "")
    for change in find_deviations(packages, installed, is_newer=lambda *_: True):
        before, after = change.before, change.after
        if before is None:
            yield f"it has `{change.name}`"
        elif after is None:
            yield f"it lacks `{change.name}`"
        elif before.version != after.version:
            yield f"it has `{change.name}` {after.version}, not {before.version}"
        else:
            yield f"it has another `{change.name}` {after.version}"


def _join(parts: Iterable[str]) -> str:
    listed = list(parts)
    rest = len(listed) - _MOST_NAMED
    more = [f"and {rest} more"] if rest > 0 else []
    return ", ".join(listed[:_MOST_NAMED] + more)
