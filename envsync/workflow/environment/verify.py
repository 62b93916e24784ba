"""The story of `envsync verify`: what is in an environment, held against the lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.errors import EnvsyncError
from envsync.lock.deviation import find_deviations
from envsync.model.text.wording import shell_quote
from envsync.package.claims import list_claims
from envsync.package.comparison import FileDifference, compare_files, hash_content, read_folder
from envsync.package.installed import list_installed
from envsync.prefix.conda_state import STATE, read_variables
from envsync.prefix.location import is_generation
from envsync.prefix.receipt import RECEIPT, read_receipt
from envsync.workflow.environment.build import plan_local

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from envsync.lock.diff import Change
    from envsync.model.progress import Reporter
    from envsync.package.comparison import Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyOutcome:
    """What was found in an environment: nothing, if it is what the lock says to the byte.

    *place* is the environment, or the image that has it at *prefix*. *changes* are packages, from
    the lock to what is there.
    """

    place: str
    prefix: str
    package_count: int
    changes: tuple[Change, ...]
    files: tuple[FileDifference, ...]

    @property
    def is_right(self) -> bool:
        """Whether nothing differs."""
        return not self.changes and not self.files


def verify(
    directory: Path,
    *,
    prefix: Path | None,
    name: str | None,
    frozen: bool,
    reporter: Reporter,
) -> VerifyOutcome:
    """Hold the environment of the definition, or of the lockfile, at *directory* against its lock.

    Each of its files is read. What they should be stands in the records of its packages, and of
    these the receipt has the hashes. The variables are those of the definition, if there is one.

    Raises:
        StaleLockError: the lock does not answer the definition.
        DefinitionError: the definition or the lock is wrong.
        EnvsyncError: there is no environment, or it can't be read.
    """
    local = plan_local(directory, prefix=prefix, name=name, frozen=frozen)
    plan = local.plan
    if not (plan.prefix / "conda-meta").is_dir():
        where = f" -p {shell_quote(plan.prefix)}" if prefix or name else ""
        raise EnvsyncError(
            f"No environment is at `{plan.prefix}`",
            hint=f"run `envsync build-local {shell_quote(directory)}{where}`",
        )
    from envsync.adapters.versions import is_newer

    reporter.step(f"Reading `{plan.prefix}`")
    place = plan.prefix.resolve()  # it may be switched meanwhile
    installed = list_installed(place, plan.packages[0].subdir)
    files = compare_files(list_claims(place), read_folder(place))
    if local.spec is not None and read_variables(place) != dict(plan.environment_variables):
        files = (FileDifference(path=STATE, problem="changed", package=""), *files)
    return VerifyOutcome(
        place=str(plan.prefix),
        prefix=str(plan.prefix),
        package_count=len(plan.packages),
        changes=find_deviations(plan.packages, installed, is_newer=is_newer),
        files=(*_find_changed_records(place, {each.path for each in files}), *files),
    )


def _find_changed_records(prefix: Path, known: Collection[str]) -> Iterator[FileDifference]:
    """Give the records of packages that are not what they were when envsync made *prefix*.

    What the files should be stands in them, and so they are held against the receipt.
    """
    receipt = read_receipt(prefix)
    if receipt is None:
        if is_generation(prefix):
            problem: Problem = "changed" if (prefix / RECEIPT).exists() else "missing"
            yield FileDifference(path=RECEIPT, problem=problem, package="")
        return
    for path, sha256 in sorted(receipt.hashes.items()):
        is_there = sha256 != "" and path not in known and (prefix / path).is_file()
        if is_there and hash_content(prefix / path) != sha256:
            yield FileDifference(path=path, problem="changed", package="")
