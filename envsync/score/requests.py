"""Requests from files, folders and stdin."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.model.scoring.target import ScoringRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LINES = frozenset({".jsonl", ".ndjson"})


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestSource:
    """A file of one request, or of one per line; *path* None is stdin."""

    name: str
    path: Path | None
    has_lines: bool = False


def find_sources(names: Sequence[str], *, lines: bool = False) -> tuple[RequestSource, ...]:
    """Return the files that *names* mean, of a folder all that are in it, by name.

    Files named `.jsonl` or `.ndjson` have a request per line; with *lines* all files do.

    Raises:
        DefinitionError: something is not there, or a folder has nothing in it.
    """
    return tuple(source for name in names for source in _sources_of(name, lines=lines))


def read_requests(sources: Sequence[RequestSource]) -> Iterator[ScoringRequest]:
    """Yield the requests of *sources* as they are asked for; empty lines are none.

    Raises:
        DefinitionError: a file can't be read.
    """
    for source in sources:
        yield from _read(source)


def _sources_of(name: str, *, lines: bool) -> Iterator[RequestSource]:
    if name == "-":
        yield RequestSource(name="-", path=None, has_lines=lines)
        return
    path = Path(name)
    try:
        is_folder = path.is_dir()
        inside = sorted(path.iterdir()) if is_folder else [path]
        if not is_folder:
            path.stat()
    except OSError as error:
        raise _unreadable(name, error) from error
    files = [one for one in inside if one.is_file() and not one.name.startswith(".")]
    if is_folder and not files:
        raise DefinitionError(f"There is no request in `{name}`", hint="give `--data` a file")
    for file in files if is_folder else inside:
        has_lines = lines or file.suffix in _LINES
        yield RequestSource(name=str(file), path=file, has_lines=has_lines)


def _read(source: RequestSource) -> Iterator[ScoringRequest]:
    if source.path is None and sys.stdin is None:
        raise DefinitionError(
            f"Cannot read request `{source.name}`: there is no stdin",
            hint="pipe the request into it, or give `--data` a file",
        )
    try:
        stream = sys.stdin.buffer if source.path is None else source.path.open("rb")
        body = b"" if source.has_lines else stream.read()
    except OSError as error:
        raise _unreadable(source.name, error) from error
    with stream:
        if not source.has_lines:
            yield ScoringRequest(source=source.name, body=body)
            return
        for number, line in enumerate(stream, start=1):
            if line.strip():
                yield ScoringRequest(source=f"{source.name}:{number}", body=line.rstrip(b"\r\n"))


def _unreadable(name: str, error: OSError) -> DefinitionError:
    hint = "give `--data` a file, a folder of files, or `-` for stdin"
    if name.lstrip().startswith(("{", "[", '"')):
        hint = "write the request to a file, or pipe it into `--data -`"
    return DefinitionError(f"Cannot read request `{name}`: {error.strerror or error}", hint=hint)
