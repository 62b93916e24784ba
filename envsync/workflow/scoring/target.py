"""What is scored or served: the entry script, its model and the Python of its environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError, EnvsyncError, Finding
from envsync.files import open_regular
from envsync.model.scoring.target import Interpreter, ScoringTarget
from envsync.model.text.wording import shell_quote
from envsync.package.python import python_path
from envsync.prefix.location import environment_path, find_home
from envsync.score import entry_script as scripts
from envsync.score.interpreter import interpreter_at
from envsync.score.no_code import no_code_candidates
from envsync.workflow.environment.proof import Proof, prove
from envsync.workflow.scoring.model import find_scoring_model

if TYPE_CHECKING:
    from envsync.model.environment import EnvironmentSpec

_DEFINITION = "azureml_environment.json"
_LOCKFILE = "conda-lock.yml"
_MOST_TEXT = 16 << 20  # what is read of a script
_ENTRY_SCRIPT = "AZUREML_ENTRY_SCRIPT"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoringChoice:
    """What the command line says about the target; None is for what it leaves open.

    Unless it *is_checked*, an environment that is not what its lock says is used all the same.
    """

    directory: Path | None = None
    entry_script: Path | None = None
    model_dir: Path | None = None
    models: tuple[str, ...] = ()
    python: Path | None = None
    prefix: Path | None = None
    name: str | None = None
    is_checked: bool = True

    @property
    def names_interpreter(self) -> bool:
        """Whether the environment is at hand, and not that of a definition."""
        return (self.python, self.prefix, self.name) != (None, None, None)


def find_target(choice: ScoringChoice, interpreter: Interpreter | None = None) -> ScoringTarget:
    """Return what *choice* means: script, interpreter, model dir, all of them there.

    Without a directory, an interpreter at hand needs no definition: the entry script is then
    looked for in the working directory, which also stays the script's. An *interpreter* that is
    given is not looked for.

    Raises:
        DefinitionError: something is not where it is said to be.
        EnvsyncError: the environment of the definition is not built.
    """
    directory = resolve_directory(choice)
    spec = _load_definition(choice, directory)
    model_dir = find_scoring_model(choice.model_dir, choice.models, directory)
    candidates = _candidates(choice, directory, spec)
    if choice.entry_script is None:
        candidates += tuple(no_code_candidates(model_dir, candidates[0].app_root))
    found = scripts.find_entry_script(candidates)
    return ScoringTarget(
        interpreter=interpreter or _find_interpreter(choice, directory, spec),
        entry_script=found.path,
        app_root=found.app_root,
        model_dir=model_dir,
        variables=spec.environment_variables if spec is not None else (),
    )


def resolve_directory(choice: ScoringChoice) -> Path:
    """Return the folder that *choice* means, without links.

    Raises:
        DefinitionError: its links go in a circle.
    """
    directory = choice.directory or Path()
    try:
        return directory.resolve()
    except (OSError, RuntimeError) as error:
        raise DefinitionError(f"Cannot read `{directory}`: its links go in a circle") from error


def find_warnings(target: ScoringTarget) -> tuple[Finding, ...]:
    """Return what the users of *target* may trip over, as its entry script is written."""
    with open_regular(target.entry_script) as stream:
        if b"except" not in stream.read(_MOST_TEXT):
            return ()  # and parsing is not even loaded
    from envsync.score.script_text import find_swallowed_errors

    return tuple(
        Finding(
            file=target.entry_script.name,
            line=line,
            message="`run` returns an exception as a result; clients see status 200",
            hint="let it raise: the answer is then 500, and the traceback is in the log",
        )
        for line in find_swallowed_errors(target.entry_script)
    )


def prove_target(choice: ScoringChoice, target: ScoringTarget) -> Proof:
    """Hold the environment of *target* against the lock that *choice* means, if that means one."""
    directory = choice.directory
    if directory is None and not choice.names_interpreter:
        directory = Path()
    return prove(target.interpreter.prefix, directory, is_at_hand=choice.names_interpreter)


def find_lock_digest(choice: ScoringChoice) -> str | None:
    """Return the digest of the lock whose environment *choice* means, None if that has none."""
    path = (choice.directory or Path()) / _LOCKFILE
    if choice.names_interpreter or not path.is_file():
        return None
    from envsync.workflow.lock.origin import digest_file

    return digest_file(path)


def _load_definition(choice: ScoringChoice, directory: Path) -> EnvironmentSpec | None:
    is_there = choice.directory is not None and (directory / _DEFINITION).is_file()
    if choice.names_interpreter and not is_there:
        return None
    from envsync.definition import load  # an environment at hand needs no YAML engine

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
    place = "DIR" if choice.names_interpreter else "."
    if choice.directory is not None:
        place = shell_quote(choice.directory)
    build = f"run `envsync build-local {place}"
    if choice.prefix is not None:
        return _built_at(
            choice.prefix, f"{build} -p {shell_quote(choice.prefix)}`, or give another prefix"
        )
    if choice.name is not None:
        prefix = environment_path(choice.name, find_home())
        return _built_at(prefix, f"{build} -n {choice.name}`, or give a prefix with `-p`")
    name = (spec.name if spec is not None else None) or directory.name
    return _built_at(environment_path(name, find_home()), f"{build}`")


def _built_at(prefix: Path, hint: str) -> Interpreter:
    python = python_path(prefix.absolute())
    if not python.is_file():
        raise EnvsyncError(f"No environment with a Python is at `{prefix}`", hint=hint)
    return interpreter_at(python)
