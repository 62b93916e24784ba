"""The story of `envsync diff`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envsync import process
from envsync.errors import DefinitionError, EnvsyncError
from envsync.lock.base_image import find_base, parse_base
from envsync.lock.deviation import align
from envsync.lock.diff import diff_packages
from envsync.lock.reader import LOCKFILE_NAME, parse_lockfile
from envsync.lock.requested import list_requested, parse_requested
from envsync.model.image import PATH_PREFIXES
from envsync.model.subdir import current_subdir
from envsync.workflow.lock.files import is_lock_file, load_lock_file
from envsync.workflow.lock.pip.lines import list_pip_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envsync.lock.base_image import LockedBase
    from envsync.lock.diff import Change
    from envsync.lock.requested import Requested
    from envsync.model.lockfile import LockedPackage, Lockfile

_BY_NAME = "docker:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One side of a comparison: what is asked for, what is there, or both.

    *packages* is None for a definition, which has none. *subdirs* are those it speaks of. *base*
    is None where it doesn't speak of base images.
    """

    name: str
    requested: Requested | None = None
    packages: tuple[LockedPackage, ...] | None = None
    subdirs: tuple[str, ...] = ()
    base: LockedBase | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """What differs between two sides.

    *changes* are packages; *asked* are lines that only one side asks for, marked `+` or `-`, and
    empty where one side doesn't say what it was asked for.
    """

    changes: tuple[Change, ...]
    asked: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return not self.changes and not self.asked


def diff(before: str, after: str) -> Difference:
    """Compare two definitions, lockfiles, prefixes or images, in any pairing.

    Each is a path, a path in git as `REVISION:PATH`, or an image by name as `docker:NAME`. A
    folder with a lockfile stands for that. A prefix is compared with what a lock has for this
    machine, and an image with what it has for the image's.

    Raises:
        DefinitionError: one of them is wrong, or they have nothing in common to compare.
        EnvsyncError: one of them can't be read.
    """
    old, new = load_side(before), load_side(after)
    asked = (*_compare_requested(old.requested, new.requested), *_compare_bases(old, new))
    if old.packages is None or new.packages is None:
        if old.requested is None or new.requested is None:
            raise DefinitionError(
                f"`{old.name}` and `{new.name}` have nothing in common to compare",
                hint="lock the definition first, and compare its lock",
            )
        return Difference(changes=(), asked=asked)
    from envsync.adapters.versions import is_newer

    earlier: Sequence[LockedPackage] = old.packages
    later: Sequence[LockedPackage] = new.packages
    if _is_partial(old, new):
        subdirs = _find_common(old, new)
        earlier, later = align(_restrict(old.packages, subdirs), _restrict(new.packages, subdirs))
    return Difference(changes=diff_packages(earlier, later, is_newer=is_newer), asked=asked)


def load_side(text: str) -> Side:
    """Return what *text* names: a path, a file in git, or an image.

    Raises:
        DefinitionError: what it names is wrong.
        EnvsyncError: it can't be read.
    """
    image = _find_image_name(text)
    if image is not None:
        return _from_image(text, image)
    path = Path(text)
    revision, colon, inside = text.partition(":")
    if colon and not path.exists() and len(revision) > 1:
        return _from_lock(text, parse_lockfile(_show_in_git(revision, inside), file=text))
    if (path / "conda-meta").is_dir():
        return _from_prefix(path)
    if (path / LOCKFILE_NAME).is_file():
        path = path / LOCKFILE_NAME
    if is_lock_file(path):
        return _from_lock(text, load_lock_file(path))
    from envsync.definition import load

    spec = load(path).spec
    return Side(
        name=text, requested=list_requested(spec, list_pip_lines(spec)), base=find_base(spec)
    )


def _from_lock(name: str, lockfile: Lockfile) -> Side:
    return Side(
        name=name,
        requested=parse_requested(lockfile.channels, lockfile.custom_metadata),
        packages=lockfile.packages,
        subdirs=lockfile.subdirs,
        base=parse_base(lockfile.custom_metadata),
    )


def _from_prefix(prefix: Path) -> Side:
    from envsync.package.installed import list_installed

    subdir = current_subdir() or "unknown"
    return Side(name=str(prefix), packages=list_installed(prefix, subdir), subdirs=(subdir,))


def _find_image_name(text: str) -> str | None:
    """Return the name of the image that *text* stands for, None if it is something else."""
    if text.startswith(_BY_NAME):
        return text[len(_BY_NAME) :]
    is_file = text.endswith(".tar") or (Path(text) / "oci-layout").is_file()
    return text if is_file or text.startswith(PATH_PREFIXES) else None


def _from_image(text: str, name: str) -> Side:
    from envsync.workflow.image.content import load_content

    content = load_content(name)
    return Side(name=text, packages=content.packages, subdirs=(content.subdir,))


def _show_in_git(revision: str, inside: str) -> str:
    """Return the text of the file *inside* at *revision*, or of the lockfile in that folder."""
    name = f"{revision}:{inside}"
    done = process.run(["git", "show", "--end-of-options", name])
    if done.status != 0:
        said, _, more = done.stderr.strip().removeprefix("fatal: ").partition("\n")
        hint = "write `REVISION:PATH`; PATH begins at the top of the repository, or with `./`"
        raise EnvsyncError(
            f"Cannot read `{name}` from git: {said.rstrip('.')}",
            hint=more.removeprefix("hint: ").replace("'", "`") or hint,
        )
    if done.stdout.startswith(f"tree {name}\n"):
        return _show_in_git(revision, f"{inside.rstrip('/')}/{LOCKFILE_NAME}".lstrip("/"))
    return done.stdout


def _compare_requested(old: Requested | None, new: Requested | None) -> tuple[str, ...]:
    if old is None or new is None:
        return ()
    lines = []
    if old.channels != new.channels:
        lines += [
            f"- channels: {', '.join(old.channels)}",
            f"+ channels: {', '.join(new.channels)}",
        ]
    for label, then, now in (
        ("", old.match_specs, new.match_specs),
        ("pip: ", old.pip, new.pip),
    ):
        lines += [f"- {label}{text}" for text in then if text not in now]
        lines += [f"+ {label}{text}" for text in now if text not in then]
    return tuple(lines)


def _compare_bases(old: Side, new: Side) -> tuple[str, ...]:
    """Compare base images; the digest that a lock adds to what a definition says is no change."""
    then, now = old.base, new.base
    if then is None or now is None or then == now:
        return ()
    if (old.packages is None and now.answers(then)) or (new.packages is None and then.answers(now)):
        return ()
    return tuple(
        f"{mark} base image: {base}" for mark, base in (("-", then), ("+", now)) if base.name
    )


def _is_partial(old: Side, new: Side) -> bool:
    """Whether one side is a prefix or an image, which speaks of one subdir alone."""
    return old.requested is None or new.requested is None


def _find_common(old: Side, new: Side) -> set[str]:
    common = set(old.subdirs) & set(new.subdirs)
    if not common:
        then, now = (", ".join(f"`{it}`" for it in side.subdirs) for side in (old, new))
        raise DefinitionError(
            f"`{old.name}` is for {then} and `{new.name}` for {now}: there is nothing to compare",
            hint="lock the definition for both with `envsync lock --subdir`",
        )
    return common


def _restrict(packages: tuple[LockedPackage, ...], subdirs: set[str]) -> tuple[LockedPackage, ...]:
    return tuple(package for package in packages if package.subdir in subdirs)
