"""The embedded channel: made once of what this machine and the package index have."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from rattler.index import index_fs

from channel import wheels as index
from channel.interpreters import Interpreter, find_interpreters, running_interpreter
from channel.package import machine_subdir
from channel.python_package import build_python_package, compile_modules
from channel.wanted import PINNED, USUAL, Wanted, read_wanted
from channel.wheel_package import (
    Wheel,
    build_noarch_package,
    build_python_specific_package,
    load_wheel,
    stage_for_python,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SPECS = Path(__file__).parents[2] / "specs"
NOTICE = (
    "This channel stands in for conda-forge: its `python` is a CPython found on this machine, "
    "its other packages are made of wheels from the package index."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """A folder that can be served as a conda channel, and what it can't offer."""

    path: Path
    unmet: tuple[str, ...]


def default_cache() -> Path:
    """Return where the channel is kept between runs: `ENVSYNC_TEST_CACHE`, or the user's cache."""
    chosen = os.environ.get("ENVSYNC_TEST_CACHE")
    if chosen:
        return Path(chosen)
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "envsync-tests"


def build_channel(
    cache: Path | None = None, *, specs: Path = SPECS, pythons: Sequence[str] = ()
) -> Channel:
    """Return the channel for the definitions in *specs*, making it if *cache* has none.

    It has a `python` for each definition's pin where this machine has such a CPython, else the
    running one, and those of the minor versions *pythons*. What can't be offered is in `unmet`.
    Two processes may call this at once.
    """
    root = cache or default_cache()
    wanted = read_wanted(specs)
    available = find_interpreters()
    chosen = _choose(wanted, available, pythons)
    target = root / f"channel-{_fingerprint(wanted, chosen)}"
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root / ".channel.lock"):
        if not target.exists():
            _build(target, chosen, wheels=root / "wheels")
    facts = json.loads((target / "channel.json").read_text(encoding="utf-8"))
    return Channel(path=target, unmet=tuple(facts["unmet"]))


_Chosen = tuple[tuple[Interpreter, tuple[Wanted, ...]], ...]


def _choose(
    wanted: Iterable[Wanted], available: dict[str, Interpreter], pythons: Sequence[str]
) -> _Chosen:
    """Pair each CPython to be packaged with the definitions it serves.

    The running one is preferred, and the one taken where nothing asks for another.
    """
    running = running_interpreter()
    served: dict[str, list[Wanted]] = {}
    for minor in pythons:
        if minor not in available:
            message = f"This machine has no CPython {minor}; it has {', '.join(sorted(available))}"
            raise LookupError(message)
        served.setdefault(minor, [])
    candidates = [running, *sorted(available.values(), key=_order, reverse=True)]
    for definition in wanted:
        match = next((it for it in candidates if definition.is_met_by(it)), running)
        served.setdefault(match.minor, []).append(definition)
    if not served:
        served[running.minor] = []
    return tuple((available[minor], tuple(found)) for minor, found in served.items())


def _order(interpreter: Interpreter) -> tuple[int, ...]:
    return tuple(int(part) for part in interpreter.version.split("."))


def _fingerprint(wanted: Sequence[Wanted], chosen: _Chosen) -> str:
    sources = [path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))]
    parts = [
        repr(wanted).encode(),
        repr([interpreter for interpreter, _ in chosen]).encode(),
        version("py-rattler-build").encode(),
        *sources,
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _build(target: Path, chosen: _Chosen, *, wheels: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".building-", dir=target.parent) as name:
        channel = Path(name) / "channel"
        scratch = Path(name) / "scratch"
        unmet: list[str] = []
        fetched: dict[str, tuple[Interpreter, list[Wheel]]] = {}
        for interpreter, served in chosen:
            build_python_package(interpreter, channel, scratch)
            releases = _resolve(interpreter, served, unmet)
            paths = index.fetch(releases, interpreter, wheels)
            fetched[interpreter.minor] = (interpreter, [load_wheel(path) for path in paths])
        _package_wheels(list(fetched.values()), channel, scratch)
        (channel / "noarch").mkdir(exist_ok=True)
        asyncio.run(index_fs(channel, write_zst=True, write_shards=True))
        facts = {"notice": NOTICE, "subdir": machine_subdir(), "unmet": unmet}
        text = json.dumps(facts, indent=2) + "\n"
        (channel / "channel.json").write_text(text, encoding="utf-8")
        _forget_old_channels(target.parent)
        channel.rename(target)


def _resolve(
    interpreter: Interpreter, served: Iterable[Wanted], unmet: list[str]
) -> list[index.Release]:
    """Return the releases for *interpreter*; what a definition asks in vain goes to *unmet*."""
    releases: list[index.Release] = []
    for definition in served:
        if not definition.is_met_by(interpreter):
            unmet.append(
                f"specs/{definition.name} asks for python {definition.python}, and this machine "
                f"has no such CPython; the channel offers {interpreter.version}"
            )
        try:
            releases += index.resolve(definition.requirements, interpreter)
        except index.UnresolvableError as error:
            unmet.append(
                f"specs/{definition.name} asks for packages that the package index does not have "
                f"for Python {interpreter.minor}:\n{error}"
            )
    chosen = {release.name for release in releases}
    releases += index.resolve([name for name in USUAL if name not in chosen], interpreter)
    return [*releases, *(index.Release(name=name, version=pin) for name, pin in map(_cut, PINNED))]


def _cut(pin: str) -> tuple[str, str]:
    name, _, release = pin.partition("==")
    return name, release


def _package_wheels(
    fetched: Sequence[tuple[Interpreter, list[Wheel]]], channel: Path, scratch: Path
) -> None:
    everywhere = [interpreter for interpreter, _ in fetched]
    done: set[Path] = set()
    for interpreter, wheels in fetched:
        staged = []
        for wheel in wheels:
            depends = {wheel.depends_on(each) for each in everywhere}
            if wheel.is_pure and len(depends) == 1:
                if wheel.path not in done:
                    build_noarch_package(wheel, depends.pop(), channel, scratch)
                    done.add(wheel.path)
                continue
            staged.append((wheel, stage_for_python(wheel, interpreter, scratch)))
        compile_modules(interpreter, [stage for _, stage in staged])
        for wheel, stage in staged:
            build_python_specific_package(wheel, interpreter, stage, channel)


def _forget_old_channels(root: Path, *, keep: int = 5) -> None:
    """Delete all but the newest, as each edit of a definition or of this package makes another."""
    channels = sorted(root.glob("channel-*"), key=lambda path: path.stat().st_mtime)
    for path in channels[: -keep or None]:
        shutil.rmtree(path)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
