"""`envsync model`: register, find, download and delete models."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError, EnvsyncError
from envsync.files import cannot_write, make_aside, remove_left_over
from envsync.model.scoring.registered_model import (
    ModelNotes,
    NamedModel,
    RegisteredModel,
    parse_model_reference,
)
from envsync.prefix.location import find_home
from envsync.score.models.copy import copy_model
from envsync.score.models.layout import arrange_models
from envsync.score.models.registry import ModelRegistry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envsync.model.scoring.registered_model import ModelReference

_AZURE_NAME_LENGTH = 30


def open_registry() -> ModelRegistry:
    """Return the registry of this user, below `$ENVSYNC_HOME`."""
    return ModelRegistry(_root())


def register(
    source: Path, name: str, notes: ModelNotes, *, follows_links: bool = False
) -> RegisteredModel:
    """Copy *source*, a file or a folder, into the registry as the next version of *name*.

    Raises:
        DefinitionError: *name* is none, *source* is no model, or a link leads out of it and
            it *follows_links* not.
    """
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    created = now.replace("+00:00", "Z")
    return open_registry().register(
        source, name, notes, created=created, follows_links=follows_links
    )


def find(reference: ModelReference) -> RegisteredModel:
    """Return the model that *reference* means.

    Raises:
        DefinitionError: there is none.
    """
    return open_registry().find(reference.name, reference.version)


def download(model: RegisteredModel, target_dir: Path, *, overwrite: bool) -> Path:
    """Copy *model* into *target_dir* under its own file name; return where it is then.

    It is held against its digest, and appears whole or not at all.

    Raises:
        DefinitionError: something is there already, and *overwrite* is not given.
        EnvsyncError: it can't be written, or is not what was registered.
    """
    target = target_dir / model.path.name
    if _is_there(target) and not overwrite:
        raise DefinitionError(f"`{target}` is there already", hint="replace it with `--overwrite`")
    try:
        target_dir.mkdir(parents=True, exist_ok=True)
        remove_left_over(target)
        with make_aside(target, folder=True) as aside:
            copied = copy_model(model.path, aside / "new", read_only=False)
            if copied.sha256 != model.sha256:
                raise EnvsyncError(
                    f"Model `{model.id}` is not what was registered: its sha256 is "
                    f"{copied.sha256}, not {model.sha256}",
                    hint="register it again from where it came from",
                )
            if _is_there(target):
                target.replace(aside / "old")
            (aside / "new").replace(target)
    except OSError as error:
        raise cannot_write(target, error) from error
    return target


def resolve_models(named: Sequence[str]) -> tuple[NamedModel, ...]:
    """Return the models *named*, each once: a registered `NAME[:VERSION]`, or a path.

    Raises:
        DefinitionError: one is neither, or both.
    """
    return tuple(dict.fromkeys(_resolve(text) for text in named))


def find_model_dir(models: Sequence[NamedModel]) -> Path:
    """Return the folder of *models* that the entry script is given; see `arrange_models`."""
    return arrange_models(models, _root())


def local_model(path: Path) -> NamedModel:
    """Return the file or folder *path* as the model that Azure ML makes of it.

    Raises:
        DefinitionError: nothing is there.
    """
    if not path.exists():
        raise DefinitionError(f"Model `{path}` is not there", hint="give a file or a folder")
    absolute = path.absolute() if path.name not in {"", ".", ".."} else path.resolve()
    return NamedModel(name=absolute.name[:_AZURE_NAME_LENGTH], version=0, path=absolute)


def _resolve(text: str) -> NamedModel:
    path = Path(text)
    if "/" in text or os.sep in text or text in {".", ".."}:
        return local_model(path)
    name = text.partition(":")[0]
    is_registered = bool(open_registry().versions(name)) if name else False
    if not is_registered and path.exists():
        return local_model(path)
    if is_registered and path.exists():
        raise DefinitionError(
            f"`{text}` is both a registered model and a path here",
            hint=f"write `./{text}` for the path, `{name}:VERSION` for the model",
        )
    if not is_registered:
        raise DefinitionError(
            f"`{text}` is neither a registered model nor a path",
            hint="`envsync model list` shows those that are registered",
        )
    return find(parse_model_reference(text))


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _root() -> Path:
    return find_home() / "models"
