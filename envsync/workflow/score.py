"""`envsync score`: requests through the entry script, in the environment of its definition."""

from __future__ import annotations

import base64
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError, EnvsyncError
from envsync.model.scoring import Answer, Interpreter, ScoringRequest, ScoringTarget
from envsync.realise.location import environment_path, find_home, python_path
from envsync.score import entry_script as scripts
from envsync.score.interpreter import interpreter_at
from envsync.score.model_dir import check_model_dir
from envsync.score.session import score_requests

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from envsync.model.environment import EnvironmentSpec

_DEFINITION = "azureml_environment.json"
_ENTRY_SCRIPT = "AZUREML_ENTRY_SCRIPT"
_HTTP_OK = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoringChoice:
    """What the command line says about the target; None is for what it leaves open."""

    directory: Path | None = None
    entry_script: Path | None = None
    model_dir: Path | None = None
    python: Path | None = None
    prefix: Path | None = None
    name: str | None = None

    @property
    def names_interpreter(self) -> bool:
        """Whether the environment is at hand, and not that of a definition."""
        return (self.python, self.prefix, self.name) != (None, None, None)


def find_target(choice: ScoringChoice) -> ScoringTarget:
    """Return what *choice* means: script, interpreter, model dir, all of them there.

    Without a directory, an interpreter at hand needs no definition: the entry script is then
    looked for in the working directory, which also stays the script's.

    Raises:
        DefinitionError: something is not where it is said to be.
        EnvsyncError: the environment of the definition is not built.
    """
    directory = (choice.directory or Path()).resolve()
    spec = _load_definition(choice, directory)
    found = scripts.find_entry_script(_candidates(choice, directory, spec))
    missing = scripts.missing_functions(found.path)
    if missing:
        raise scripts.missing_functions_error(found.path.name, missing)
    model_dir = choice.model_dir
    if model_dir is None and (directory / "model").is_dir():
        model_dir = directory / "model"
    return ScoringTarget(
        interpreter=_find_interpreter(choice, directory, spec),
        entry_script=found.path,
        app_root=found.app_root,
        model_dir=check_model_dir(model_dir) if model_dir is not None else None,
        variables=spec.environment_variables if spec is not None else (),
    )


def score(
    target: ScoringTarget, requests: Iterable[ScoringRequest], *, environ: Mapping[str, str]
) -> Iterator[Answer]:
    """Yield the answer to each of *requests*; see `score_requests` for the errors."""
    return score_requests(target, requests, environ=environ)


def read_request(source: str) -> ScoringRequest:
    """Return the request in the file *source*, or from stdin for `-`.

    Raises:
        DefinitionError: it can't be read.
    """
    if source == "-":
        return ScoringRequest(source="-", body=sys.stdin.buffer.read())
    try:
        return ScoringRequest(source=source, body=Path(source).read_bytes())
    except OSError as error:
        raise DefinitionError(
            f"Cannot read request `{source}`: {error.strerror or error}",
            hint="give `--data` a file, or `-` for stdin",
        ) from error


def result_line(answer: Answer) -> str:
    """Return *answer* as one line of JSON: `{"result": what run returned}`, or `{"error": ...}`."""
    if answer.reason:
        return json.dumps({"error": answer.failure.summary if answer.failure else answer.message})
    status = f', "status": {answer.status}' if answer.status != _HTTP_OK else ""
    return f'{{"result": {_result_text(answer)}{status}}}'


def error_of(answer: Answer, script_name: str) -> EnvsyncError | None:
    """Return the error that *answer* stands for, None if `run` answered."""
    failure = answer.failure
    if not answer.reason:
        return None
    if failure is None:
        return DefinitionError(
            f"`{answer.source}` is no request for `{script_name}`: {answer.message}",
            hint="`run` takes text in UTF-8, unless it is decorated with `@rawhttp`",
        )
    if answer.reason == "not-json" and not failure.traceback:
        return EnvsyncError(
            f"`run` of `{script_name}` returned no JSON for `{answer.source}`: {failure.message}",
            hint="convert it in `run` before it is returned",
        )
    return EnvsyncError(
        f"`run` of `{script_name}` failed for `{answer.source}`: {failure.summary}\n"
        + failure.traceback
    )


def _result_text(answer: Answer) -> str:
    if answer.content_type.startswith("application/json"):
        return answer.body.decode("utf-8")
    try:
        return json.dumps(answer.body.decode("utf-8"))
    except UnicodeDecodeError:
        return json.dumps({"base64": base64.b64encode(answer.body).decode("ascii")})


def _load_definition(choice: ScoringChoice, directory: Path) -> EnvironmentSpec | None:
    is_there = choice.directory is not None and (directory / _DEFINITION).is_file()
    if choice.names_interpreter and not is_there:
        return None
    from envsync.spec import load  # an environment at hand needs no YAML engine

    return load(directory).spec


def _candidates(
    choice: ScoringChoice, directory: Path, spec: EnvironmentSpec | None
) -> tuple[scripts.Candidate, ...]:
    here = directory if choice.directory is not None or spec is not None else Path.cwd()
    if choice.entry_script is not None:
        given = (Path.cwd() / choice.entry_script, directory / choice.entry_script)
        return tuple(scripts.Candidate(path=path, app_root=here) for path in dict.fromkeys(given))
    variables = dict(spec.environment_variables) if spec is not None else {}
    return scripts.candidates_in(directory, variables.get(_ENTRY_SCRIPT) or "score.py")


def _find_interpreter(
    choice: ScoringChoice, directory: Path, spec: EnvironmentSpec | None
) -> Interpreter:
    if choice.python is not None:
        return interpreter_at(choice.python)
    if choice.prefix is not None:
        return _built_at(choice.prefix, "give `-p` the prefix of an environment that has a Python")
    if choice.name is not None:
        prefix = environment_path(choice.name, find_home())
        return _built_at(prefix, "run `envsync build-local DIR`, or give its prefix with `-p`")
    name = (spec.name if spec is not None else None) or directory.name
    return _built_at(environment_path(name, find_home()), f"run `envsync build-local {directory}`")


def _built_at(prefix: Path, hint: str) -> Interpreter:
    python = python_path(prefix.absolute())
    if not python.is_file():
        raise EnvsyncError(f"No environment with a Python is at `{prefix}`", hint=hint)
    return interpreter_at(python)
