"""Find the model that the arguments of the SDK describe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from envsync.errors import DefinitionError
from envsync.model.scoring.registered_model import ModelReference, parse_model_reference
from envsync.workflow.scoring import models as workflow

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from envsync.model.scoring.registered_model import ModelNotes, NamedModel, RegisteredModel

    Wanted = Iterable[str | Iterable[str]] | Mapping[str, str] | None


def find_registered(wanted: Mapping[str, Any]) -> RegisteredModel:
    """Return the registered model that *wanted* describes.

    Raises:
        DefinitionError: there is no such model.
    """
    text, version = wanted.get("id") or wanted.get("name"), wanted.get("version")
    if not text:
        raise DefinitionError("A model needs a name", hint='`Model("churn")`')
    reference = parse_model_reference(text)
    if version is not None:
        reference = ModelReference(name=reference.name, version=check_version(version))
    latest = workflow.find(reference)
    if reference.version is not None:
        return latest
    versions = workflow.open_registry().list_models()
    fitting = [m for m in versions if m.name == reference.name and matches(m.notes, wanted)]
    if not fitting:
        raise DefinitionError(f"No version of model `{reference.name}` has these tags")
    return fitting[-1]


def make_unregistered(wanted: Mapping[str, Any], path: Path) -> NamedModel:
    """Return the model at *path* under the name and the version in *wanted*."""
    name, version = wanted.get("name"), wanted.get("version")
    found = workflow.local_model(path)
    if name is not None:
        found = replace(found, name=parse_model_reference(name).name)
    return found if version is None else replace(found, version=check_version(version))


def find_laid_out(folder: Path, version: int | None) -> Path | None:
    """Return the only entry of *version* in *folder*, None if there is no such version.

    Raises:
        DefinitionError: there are several entries.
    """
    there = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    numbers = [int(name) for name in there if name.isdecimal()] if version is None else [version]
    held = folder / str(max(numbers)) if numbers else folder / "none"
    entries = list(held.iterdir()) if held.is_dir() else []
    if len(entries) > 1:
        names = ", ".join(sorted(f"`{path.name}`" for path in entries))
        raise DefinitionError(f"`{held}` holds {names}", hint="a version is one file or folder")
    return entries[0] if entries else None


def matches(notes: ModelNotes, wanted: Mapping[str, Any]) -> bool:
    """Return whether *notes* have the tags and the properties in *wanted*."""
    return _has(notes.tags, wanted.get("tags")) and _has(notes.properties, wanted.get("properties"))


def check_version(version: object) -> int:
    """Return *version* if a model can have it.

    Raises:
        DefinitionError: it can't.
    """
    if isinstance(version, int) and not isinstance(version, bool) and version >= 0:
        return version
    raise DefinitionError(f"`{version!r}` is not the version of a model", hint="give a number")


def _has(pairs: Iterable[tuple[str, str]], wanted: Wanted) -> bool:
    there = dict(pairs)
    each = wanted.items() if isinstance(wanted, Mapping) else wanted or ()
    for item in each:
        key, *value = (item,) if isinstance(item, str) else tuple(item)
        if key not in there or (value and there[key] != value[0]):
            return False
    return True
