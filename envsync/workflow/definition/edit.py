"""The stories of `envsync add` and `envsync remove`: a conda file is changed where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.definition import load
from envsync.definition.azureml.v1 import CONDA_NAME
from envsync.definition.edit.conda import CondaText, conda_name, pip_name
from envsync.definition.edit.editable import open_editable
from envsync.definition.mlflow_model import PYTHON_ENV_NAME
from envsync.definition.requirement.match_spec import MatchSpecError, parse_match_spec
from envsync.definition.requirement.pip_line import (
    PipLineError,
    check_pip_requirement,
    strip_comment,
)
from envsync.errors import DefinitionError, Finding
from envsync.lock.reader import LOCKFILE_NAME
from envsync.model.text.redaction import quote
from envsync.model.text.wording import find_near
from envsync.remedy import Hint, Option, Step, advise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from envsync.definition.edit.conda import Change, Item

_YAML = {".yml", ".yaml"}


@dataclass(frozen=True, kw_only=True, slots=True)
class EditOutcome:
    """What became of the conda file *path*.

    *has_lock* tells whether a lockfile lies beside it, which is stale if *changed*.
    """

    path: Path
    changes: tuple[Change, ...]
    changed: bool
    has_lock: bool
    warnings: tuple[Finding, ...] = ()


def add(directory: Path, specs: Sequence[str], *, is_pip: bool) -> EditOutcome:
    """Ask for *specs*, match specs or pip requirements, in the definition in *directory*.

    One whose name is there is put in the place of what stands there; a bare name leaves it as it
    is. Either all are written or none.

    Raises:
        DefinitionError: one of *specs* is wrong, or the definition can't be edited.
    """
    wanted = [strip_comment(spec) for spec in specs]
    for spec in wanted:
        (_check_pip if is_pip else _check_conda)(spec)

    def change(conda: CondaText) -> None:
        for spec in wanted:
            (conda.add_pip_requirement if is_pip else conda.add_match_spec)(spec)

    return _edit(
        directory, change, lambda conda: _find_twins(conda, wanted, directory, is_pip=is_pip)
    )


def remove(directory: Path, names: Sequence[str], *, is_pip: bool) -> EditOutcome:
    """No longer ask for the packages *names* in the definition in *directory*.

    Raises:
        DefinitionError: one of *names* is not there, or the definition can't be edited.
    """

    def change(conda: CondaText) -> None:
        normalise = pip_name if is_pip else conda_name
        wanted = {normalise(name) for name in names} - {None}
        items = conda.pip_lines if is_pip else conda.match_specs
        _check_names(conda, names, is_pip=is_pip)
        conda.remove(item for item in items if item.name in wanted)

    return _edit(directory, change, lambda _: ())


def _edit(
    directory: Path,
    change: Callable[[CondaText], None],
    find_warnings: Callable[[CondaText], tuple[Finding, ...]],
) -> EditOutcome:
    path = find_conda_file(directory)
    source = open_editable(path)
    conda = CondaText(source.text, str(path))
    change(conda)
    return EditOutcome(
        path=path,
        changes=tuple(conda.changes),
        changed=source.write(conda.text),
        has_lock=(path.parent / LOCKFILE_NAME).exists(),
        warnings=find_warnings(conda),
    )


def find_conda_file(directory: Path) -> Path:
    """Return the conda file of the definition *directory*, a folder or a file.

    Raises:
        DefinitionError: the definition has none.
    """
    folder = directory if directory.is_dir() else directory.parent
    if directory.suffix not in _YAML and (folder / CONDA_NAME).exists():
        return folder / CONDA_NAME
    try:
        files = [file for file in load(directory).spec.files if file.suffix in _YAML]
    except DefinitionError:
        if directory.suffix not in _YAML or not directory.is_file():
            raise
        files = [directory]  # an edit may be what puts it right
    if files and files[-1].name == PYTHON_ENV_NAME:
        raise DefinitionError(
            f"`{files[-1]}` is MLflow's, and no conda file",
            hint="edit `requirements.txt`, or save the model again with a `conda.yaml`",
        )
    if files:
        return files[-1]
    raise DefinitionError(
        f"`{directory}` has no conda file to edit",
        hint=advise(f"put a `{CONDA_NAME}` there; ", Step("save-to-directory"), " writes one"),
    )


def _check_conda(spec: str) -> None:
    try:
        parse_match_spec(spec)
    except MatchSpecError as error:
        hint = advise("add ", Option("pip")) if error.is_for_pip else error.hint
        raise DefinitionError(_capitalise(str(error)), hint=hint) from error


def _check_pip(spec: str) -> None:
    if spec.startswith("-"):
        raise DefinitionError(
            f"{quote(spec)} is an option of pip, not a requirement",
            hint="write it into the file, under `- pip:`",
        )
    try:
        check_pip_requirement(spec)
    except PipLineError as error:
        raise DefinitionError(_capitalise(str(error)), hint=error.hint) from error


def _capitalise(message: str) -> str:
    return message[:1].upper() + message[1:]


def _check_names(conda: CondaText, names: Sequence[str], *, is_pip: bool) -> None:
    """Refuse names that are not there, and say what they may have meant."""
    normalise = pip_name if is_pip else conda_name
    items, others = conda.match_specs, conda.pip_lines
    if is_pip:
        items, others = others, items
    known = {item.name for item in items}
    missing = [name for name in names if normalise(name) not in known]
    if not missing:
        return
    where = "under `pip:`" if is_pip else "among the conda packages"
    raise DefinitionError(
        f"{' and '.join(map(quote, missing))} {'is' if len(missing) == 1 else 'are'} not {where}",
        hint=_suggest(missing, items, others, is_pip=is_pip),
    )


def _suggest(
    missing: Sequence[str], items: Sequence[Item], others: Sequence[Item], *, is_pip: bool
) -> Hint | None:
    elsewhere = {item.name for item in others if item.name is not None}
    if all((conda_name if is_pip else pip_name)(name) in elsewhere for name in missing):
        option = Option("pip")
        return advise("leave ", option, " out") if is_pip else advise("add ", option)
    known = sorted({item.name for item in items if item.name is not None})
    near = dict.fromkeys(it for name in missing if (it := find_near(name, known)) is not None)
    return f"did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else None


def _find_twins(
    conda: CondaText, specs: Sequence[str], directory: Path, *, is_pip: bool
) -> tuple[Finding, ...]:
    """Return a warning for each of *specs* that the other side asks for, too."""
    normalise = pip_name if is_pip else conda_name
    added = {normalise(spec) for spec in specs} - {None}
    others = conda.match_specs if is_pip else conda.pip_lines
    side = "conda" if is_pip else "pip"
    options: tuple[Option, ...] = () if is_pip else (Option("pip"),)
    if str(directory) != ".":
        options += (Option("dir", str(directory)),)
    return tuple(
        Finding(
            file=conda.file,
            message=f"{side} is asked for `{item.name}` too, as {quote(item.text)}",
            hint=advise("run ", Step("remove", (item.name or "",), options), " if one is enough"),
        )
        for item in others
        if item.name in added
    )
