"""Who needs whom in a lock."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from envsync.model.lockfile import LockedPackage


_DIRECT = re.compile(
    r"(?:(?:git\+|https?:|file:)\S*?|(?:\.{0,2}|~)/(?:[^#]*/)?)"
    r"(?P<name>[^/#?]+)(?:\?[^#]*)?(?:#(?P<fragment>.*))?"
)
_ARCHIVE = re.compile(r"(?:-\d.*)?\.(?:whl|tar\.gz|tar\.bz2|tgz|zip|git)$")
_EGG = re.compile(r"(?:^|&)egg=([\w.-]+)")
_DEEPEST = 100  # a line for each package, indented: without an end to that, gigabytes


def name_of(text: str) -> str:
    """Return the package name in a match spec or pip requirement, normalized.

    That of an address or a path alone is the one it is called by, which is a guess for a
    repository.
    """
    match = _DIRECT.fullmatch(text.strip().partition("[")[0])
    if match is not None:
        egg = _EGG.search(match["fragment"] or "")
        return normalize(egg[1] if egg else _ARCHIVE.sub("", match["name"].partition("@")[0]))
    bare = text.strip().rpartition("::")[2]
    end = next((index for index, letter in enumerate(bare) if letter in " =<>!~[;@("), len(bare))
    return normalize(bare[:end])


def normalize(name: str) -> str:
    """Return *name* as both managers would compare it."""
    return name.lower().replace("_", "-")


def find_chain(
    packages: Sequence[LockedPackage], roots: Iterable[str], name: str
) -> tuple[LockedPackage, ...]:
    """Return a shortest chain of packages from one of *roots* (names) to *name*.

    Each needs the next. It is empty where nothing that was asked for leads there.
    """
    index = {normalize(package.name): package for package in packages}
    wanted = normalize(name)
    users: dict[str, str | None] = {
        normalize(root): None for root in sorted(set(roots)) if normalize(root) in index
    }
    queue = deque(users)
    while queue:
        user = queue.popleft()
        if user == wanted:
            return tuple(index[step] for step in _walk_back(users, wanted))
        for needed in _list_needed(index, user):
            if needed not in users:
                users[needed] = user
                queue.append(needed)
    return ()


def _walk_back(users: Mapping[str, str | None], name: str) -> list[str]:
    steps: list[str] = []
    step: str | None = name
    while step is not None:
        steps.append(step)
        step = users[step]
    return steps[::-1]


def walk_tree(
    packages: Sequence[LockedPackage], roots: Iterable[str]
) -> Iterator[tuple[int, LockedPackage, bool]]:
    """Yield each package below *roots* (names) as its depth, itself, and whether it is a repeat.

    What a repeated package needs is not shown again, nor is what lies deeper than any real one.
    """
    index = {normalize(package.name): package for package in packages}
    shown: set[str] = set()
    stack = [(0, name) for name in sorted({normalize(root) for root in roots}, reverse=True)]
    while stack:
        depth, name = stack.pop()
        if name not in index:
            continue
        needed = _list_needed(index, name)
        is_repeat = bool(needed) and (name in shown or depth == _DEEPEST)
        yield depth, index[name], is_repeat
        if not is_repeat:
            shown.add(name)
            stack += [(depth + 1, each) for each in reversed(needed)]


def _list_needed(index: Mapping[str, LockedPackage], name: str) -> list[str]:
    return [
        normalize(needed) for needed, _ in index[name].dependencies if normalize(needed) in index
    ]
