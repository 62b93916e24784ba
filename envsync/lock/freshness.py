"""Whether a lockfile answers a definition: told by reading both, never by solving."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.lock.base_image import find_base, parse_base
from envsync.lock.graph import name_of
from envsync.lock.local_files import find_changed_files
from envsync.lock.requested import Requested, list_requested, parse_requested

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envsync.model.environment import EnvironmentSpec
    from envsync.model.lockfile import Lockfile


@dataclass(frozen=True, kw_only=True, slots=True)
class Staleness:
    """One way in which a lock no longer answers; *text* is the end of a sentence about it.

    *subdir* is None where every subdir is concerned.
    """

    text: str
    subdir: str | None = None


def find_staleness(
    spec: EnvironmentSpec,
    lockfile: Lockfile,
    subdirs: Sequence[str],
    *,
    pip_lines: Sequence[str] = (),
) -> tuple[Staleness, ...]:
    """Return how *lockfile* fails to answer *spec* on *subdirs*; nothing where it is fresh.

    *pip_lines* are those of the requirements files that *spec* names.

    Channels come first, then match specs, then pip requirements, then archives that lie beside
    the lock, then the base image, then subdirs, so that two runs print the same report.
    """
    now = list_requested(spec, pip_lines)
    then = parse_requested(lockfile.channels, lockfile.custom_metadata)
    source = spec.files[-1].name if spec.files else "the definition"
    if then is None:
        return (Staleness(text="it does not say what it was locked for"),)
    return (
        *_compare_channels(now, then, source),
        *_compare(now.match_specs, then.match_specs, source),
        *_compare(now.pip, then.pip, f"`{source}`, under `pip:`,"),
        *(Staleness(text=text) for text in find_changed_files(lockfile, spec.directory)),
        *_compare_bases(spec, lockfile),
        *(
            Staleness(text="it has no packages for it", subdir=subdir)
            for subdir in subdirs
            if subdir not in lockfile.subdirs
        ),
    )


def _compare_channels(now: Requested, then: Requested, source: str) -> Iterator[Staleness]:
    if now.channels != then.channels:
        yield Staleness(
            text=f"`{source}` has the channels {_quote(now.channels)}, "
            f"it was locked with {_quote(then.channels)}"
        )


def _compare_bases(spec: EnvironmentSpec, lockfile: Lockfile) -> Iterator[Staleness]:
    """Compare base images; where a lock says nothing of one, there is nothing to compare."""
    now, then = find_base(spec), parse_base(lockfile.custom_metadata)
    if then is None or then.answers(now):
        return
    source = spec.files[0].name if spec.files else "the definition"
    if not then.name:
        text = f"added the base image `{now}`"
    elif not now.name:
        text = f"no longer has the base image `{then.name}`"
    else:
        before = then if then.name == now.name else then.name
        text = f"changed the base image `{before}` to `{now}`"
    yield Staleness(text=f"`{source}` {text}")


def _compare(now: tuple[str, ...], then: tuple[str, ...], source: str) -> Iterator[Staleness]:
    source = source if source.endswith(",") else f"`{source}`"
    added = [text for text in now if text not in then]
    removed = [text for text in then if text not in now]
    earlier = {name_of(text): text for text in removed}
    for text in added:
        before = earlier.pop(name_of(text), None)
        if before is None:
            yield Staleness(text=f"{source} added `{text}`")
        else:
            removed.remove(before)
            yield Staleness(text=f"{source} changed `{before}` to `{text}`")
    for text in removed:
        yield Staleness(text=f"{source} removed `{text}`")


def _quote(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
