"""`envsync score`: requests through the entry script, in the environment of its definition."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.model.text.wording import count
from envsync.score.requests import find_sources, read_requests
from envsync.score.results import error_of, record_line, result_line
from envsync.score.script_text import missing_functions, missing_functions_error
from envsync.score.session import score_requests

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from envsync.errors import EnvsyncError
    from envsync.model.scoring.target import Answer, ScoringTarget
    from envsync.score.requests import RequestSource


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreOptions:
    """How to score; *max_memory* is in MiB, *max_cpu* in seconds, None sets no limit."""

    profile: bool = False
    debug: bool = False
    debug_port: int | None = None
    max_memory: int | None = None
    max_cpu: int | None = None

    def of_runtime(self) -> dict[str, object]:
        """Return these in the words of the runtime's command line."""
        return {
            "profile": "yes" if self.profile else None,
            "debug": "yes" if self.debug else None,
            "debug-port": self.debug_port,
            "max-memory": self.max_memory,
            "max-cpu": self.max_cpu,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """One answer with what is to be said of it; *error* is None where `run` answered."""

    answer: Answer
    line: str
    error: EnvsyncError | None

    def record(self, lock_digest: str | None) -> str:
        """Return the line that says all of the answer."""
        return record_line(self.answer, lock_digest=lock_digest)


def find_requests(names: Sequence[str], *, lines: bool) -> tuple[RequestSource, ...]:
    """Return where the requests *names* are; see `find_sources`."""
    return find_sources(names, lines=lines)


def score(
    target: ScoringTarget,
    sources: Sequence[RequestSource],
    options: ScoreOptions,
    *,
    environ: Mapping[str, str],
) -> Iterator[Scored]:
    """Yield the answer to each request of *sources*, in their order.

    A script that lacks `init` or `run` is refused before anything is started.

    Raises:
        DefinitionError: the script is no entry script, or a request can't be read.
        EnvsyncError: the script can't be loaded, or its process dies.
    """
    name = target.entry_script.name
    missing = missing_functions(target.entry_script)
    if missing:
        raise missing_functions_error(name, missing)
    requests = read_requests(sources)
    for answer in score_requests(target, requests, environ=environ, options=options.of_runtime()):
        yield Scored(answer=answer, line=result_line(answer), error=error_of(answer, name))


def load_expected(path: Path) -> tuple[Any, ...]:
    """Return the answers that are written down in *path*.

    Raises:
        DefinitionError: it can't be read, or holds something else.
    """
    from envsync.score.comparison import load_expected as load

    return load(path)


def compare(
    expected: Sequence[Any], scored: Sequence[Scored], *, tolerance: float
) -> tuple[str, ...]:
    """Return what is other than *expected*, a line each, with the request it is about."""
    from envsync.score.comparison import find_differences

    found = [
        f"`{one.answer.source}`: {difference}"
        for wanted, one in zip(expected, scored, strict=False)
        for difference in find_differences(wanted, json.loads(one.line), tolerance=tolerance)
    ]
    if len(expected) != len(scored):
        answers = count(len(scored), "answer")
        found.append(f"The script gave {answers}, expected {len(expected)}")
    return tuple(found)


def write_expected(path: Path, scored: Sequence[Scored]) -> None:
    """Write the answers *scored* to *path*, for a later comparison.

    Raises:
        EnvsyncError: it can't be written.
    """
    from envsync.files import write_atomically

    write_atomically(path, "".join(one.line + "\n" for one in scored).encode("utf-8"))
