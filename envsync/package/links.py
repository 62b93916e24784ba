"""Checking where links of conda packages lead once they are in one environment."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from envsync.model.text.redaction import quote
from envsync.package.unpacked import RESERVED, PackageFaultError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from envsync.model.lockfile import LockedPackage
    from envsync.package.unpacked import PackageContent

_MOST_LINKS = 40  # in a chain, as in Linux
_MOST_ENDS = 64  # of one path, for which several packages have links


@dataclass(frozen=True, kw_only=True, slots=True)
class _Placed:
    """Where *package* puts its files, relative to the prefix."""

    package: LockedPackage
    folders: frozenset[str]
    links: Mapping[str, str]
    commands: tuple[str, ...]
    programs: frozenset[str]


def check_together(
    contents: Iterable[tuple[LockedPackage, PackageContent]], *, python: str
) -> tuple[str, ...]:
    """Return the links that lead out of an environment of *contents*, sorted by path.

    Such a link is harmless if nothing is read or written through it. *python* is the folder of
    the environment's Python in `lib`.

    Raises:
        PackageFaultError: files of a package would go through a link to another place, or the
            engine would write to a file in its cache.
    """
    placed = [_put(package, content, python) for package, content in contents]
    links = _Links(placed)
    for each in placed:
        links.check(each)
    _check_commands(placed)
    return tuple(sorted(path for path in links.targets if None in links.follow(path)))


def _put(package: LockedPackage, content: PackageContent, python: str) -> _Placed:
    def place(path: str) -> str:
        is_there = content.is_noarch and f"{path}/".startswith("site-packages/")
        return f"lib/{python}/{path}" if is_there else path

    folders = {place(path) for path in content.folders}
    if content.is_noarch:
        folders |= {"lib", f"lib/{python}"}
    return _Placed(
        package=package,
        folders=frozenset(folders),
        links={place(path): target for path, target in content.links.items()},
        commands=content.commands,
        programs=content.programs,
    )


def _check_commands(placed: Sequence[_Placed]) -> None:
    """Refuse a command in the place of a file, which the engine would overwrite in its cache."""
    programs = {name: each.package for each in placed for name in each.programs}
    for each in placed:
        for name in each.commands:
            if name in programs:
                raise _fault(
                    each.package,
                    f"its command {quote(name)} goes where `{programs[name]}` has a file, "
                    f"{quote(f'bin/{name}')}",
                )


class _Links:
    """The links of all packages; one path may have several *targets*."""

    def __init__(self, placed: Iterable[_Placed]) -> None:
        found: defaultdict[str, set[str]] = defaultdict(set)
        for each in placed:
            for path, target in each.links.items():
                found[path].add(target)
        self.targets = dict(found)

    def check(self, placed: _Placed) -> None:
        """Check that files behind a link end up where a package may have files."""
        for folder in placed.folders & self.targets.keys():
            ends = self.follow(folder)
            if (
                folder in placed.links
                or not all(ends)  # outside of, or the prefix itself
                or any(end.partition("/")[0].casefold() in RESERVED for end in ends if end)
            ):
                raise _fault(
                    placed.package, f"it has files below {quote(folder)}, which is a link there"
                )
            through = next((it for it in placed.links if it.startswith(f"{folder}/")), None)
            if through is not None:
                raise _fault(
                    placed.package, f"its link {quote(through)} is below another package's link"
                )

    def follow(self, path: str) -> set[str | None]:
        """Return where *path* may lead: "" is the prefix itself, None is outside of it."""
        ends = list(islice(self._walk(path.split("/"), (), 0), _MOST_ENDS))
        return {*ends, *((None,) if len(ends) == _MOST_ENDS else ())}

    def _walk(
        self, names: Sequence[str], at: tuple[str, ...], followed: int
    ) -> Iterator[str | None]:
        for position, name in enumerate(names):
            if name == ".." and not at:
                yield None
                return
            if name == "..":
                at = at[:-1]
            elif name not in ("", "."):
                at = (*at, name)
            targets = self.targets.get("/".join(at), ()) if name not in ("", ".", "..") else ()
            if targets:
                rest = names[position + 1 :]
                for target in targets:
                    if target.startswith("/") or followed == _MOST_LINKS:
                        yield None
                    else:
                        yield from self._walk((*target.split("/"), *rest), at[:-1], followed + 1)
                return
        yield "/".join(at)


def _fault(package: LockedPackage, what: str) -> PackageFaultError:
    return PackageFaultError(
        f"Package `{package}` is unsafe beside the others: {what}",
        hint="don't use it, or remove one of the packages",
    )
