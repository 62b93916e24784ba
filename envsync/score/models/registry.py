"""The models that are registered on this machine, laid out as Azure ML's SDK expects."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from envsync.errors import DefinitionError, EnvsyncError
from envsync.files import (
    cannot_write,
    lock_directory,
    make_aside,
    read_regular,
    remove_left_over,
    write_atomically,
)
from envsync.model.scoring.registered_model import ModelNotes, RegisteredModel, check_model_name
from envsync.model.text.wording import suggest
from envsync.score.models.copy import copy_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LAYOUT = "azureml-models"
_LONGEST_RECORD = 16 << 20


class ModelRegistry:
    """The registry below the folder *root*.

    A version is there if and only if its folder `azureml-models/NAME/VERSION` is, which holds the
    model and nothing else; it comes and goes in one step. What is known of it lies beside that,
    in `metadata/NAME/VERSION.json`.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._models = root / LAYOUT
        self._metadata = root / "metadata"
        self._aside = root / "version"

    def register(
        self,
        source: Path,
        name: str,
        notes: ModelNotes,
        *,
        created: str,
        follows_links: bool = False,
    ) -> RegisteredModel:
        """Copy the file or folder *source* in as the next version of *name*.

        Links out of *source* are refused unless it *follows_links*. Numbers of versions that were
        deleted are not used again.

        Raises:
            DefinitionError: *name* is none, or *source* is no model or has such a link.
            EnvsyncError: it can't be written.
        """
        check_model_name(name)
        source = _check_source(source, self._root)
        with self._locked() as aside:
            copied = copy_model(
                source, aside / source.name, read_only=True, follows_links=follows_links
            )
            version = self._count_up(name)
            model = RegisteredModel(
                name=name,
                version=version,
                path=self._models / name / str(version) / source.name,
                sha256=copied.sha256,
                size=copied.size,
                created=created,
                notes=notes,
            )
            self._write(model)
            model.path.parent.parent.mkdir(parents=True, exist_ok=True)
            aside.replace(model.path.parent)
        return model

    def find(self, name: str, version: int | None = None) -> RegisteredModel:
        """Return that version of *name*, the latest if *version* is None.

        Raises:
            DefinitionError: there is none.
        """
        versions = self.versions(name)
        if not versions:
            near = suggest(name, (path.name for path in _list_folder(self._models)))
            raise DefinitionError(
                f"No model `{name}` is registered",
                hint=near or "`envsync model list` shows those that are",
            )
        if version is not None and version not in versions:
            there = ", ".join(str(number) for number in versions)
            raise DefinitionError(
                f"Model `{name}` has no version {version}", hint=f"it has {there}"
            )
        return self._read(name, versions[-1] if version is None else version)

    def list_models(self) -> tuple[RegisteredModel, ...]:
        """Return all versions of all models, sorted.

        Raises:
            EnvsyncError: what is known of one is damaged.
        """
        names = sorted(path.name for path in _list_folder(self._models))
        found = (self._read_if_there(name, each) for name in names for each in self.versions(name))
        return tuple(model for model in found if model is not None)

    def versions(self, name: str) -> tuple[int, ...]:
        """Return the versions of *name* that are there, in their order."""
        found = (path.name for path in _list_folder(self._models / name))
        return tuple(sorted(int(version) for version in found if version.isdecimal()))

    def annotate(
        self, name: str, version: int, change: Callable[[ModelNotes], ModelNotes]
    ) -> RegisteredModel:
        """Write down what *change* makes of the notes of that version of *name*; return it.

        Raises:
            DefinitionError: it is not there.
        """
        with lock_directory(self._root):
            model = self.find(name, version)
            changed = replace(model, notes=change(model.notes))
            self._write(changed)
        return changed

    def delete(self, name: str, version: int) -> None:
        """Delete that version of *name*; one that is damaged too.

        Raises:
            DefinitionError: it is not there.
        """
        if version not in self.versions(name):
            self.find(name, version)
        with self._locked() as aside:
            folder = self._models / name / str(version)
            with contextlib.suppress(FileNotFoundError):  # another process was quicker
                folder.replace(aside)
            self._record(name, version).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                folder.parent.rmdir()  # unless another version is in it

    def _count_up(self, name: str) -> int:
        counter = self._metadata / name / "last-version"
        counter.parent.mkdir(parents=True, exist_ok=True)
        text = counter.read_text("ascii") if counter.exists() else ""
        last = int(text) if text.isdecimal() else 0
        version = max(last, *self.versions(name), 0) + 1
        write_atomically(counter, str(version).encode("ascii"))
        return version

    @contextlib.contextmanager
    def _locked(self) -> Iterator[Path]:
        """Hold the registry, and give an empty folder in it that is gone afterwards."""
        with lock_directory(self._root):
            try:
                remove_left_over(self._aside)
                with make_aside(self._aside, folder=True) as aside:
                    aside.chmod(0o755)
                    yield aside
            except OSError as error:
                raise cannot_write(self._root, error) from error

    def _record(self, name: str, version: int) -> Path:
        return self._metadata / name / f"{version}.json"

    def _write(self, model: RegisteredModel) -> None:
        notes = asdict(model.notes)
        record = {
            "name": model.name,
            "version": model.version,
            "file": model.path.name,
            "sha256": model.sha256,
            "size": model.size,
            "created": model.created,
            **notes,
            "tags": dict(model.notes.tags),
            "properties": dict(model.notes.properties),
        }
        text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
        content = text.encode("utf-8", "surrogateescape")
        write_atomically(self._record(model.name, model.version), content)

    def _read_if_there(self, name: str, version: int) -> RegisteredModel | None:
        try:
            return self._read(name, version)
        except EnvsyncError:
            if version in self.versions(name):
                raise
            return None  # it was deleted just now

    def _read(self, name: str, version: int) -> RegisteredModel:
        path = self._record(name, version)
        try:
            record = json.loads(
                read_regular(path, most=_LONGEST_RECORD).decode("utf-8", "surrogateescape")
            )
            model = _parse_record(record, self._models / name / str(version))
        except (
            *(OSError, ValueError, KeyError, TypeError, AttributeError),
            RecursionError,
        ) as error:
            raise EnvsyncError(
                f"`{path}` is not what was written when the model was registered",
                hint=f"delete it with `envsync model delete {name}:{version}`, register it again",
            ) from error
        if (model.name, model.version) != (name, version) or not model.path.exists():
            raise EnvsyncError(
                f"Model `{name}:{version}` is damaged: `{model.path}` is not there",
                hint=f"delete it with `envsync model delete {name}:{version}`, register it again",
            )
        return model


def _parse_record(record: dict[str, Any], folder: Path) -> RegisteredModel:
    notes = ModelNotes(
        tags=tuple((str(key), str(value)) for key, value in record["tags"].items()),
        properties=tuple((str(key), str(value)) for key, value in record["properties"].items()),
        description=record["description"],
        framework=record["framework"],
        framework_version=record["framework_version"],
    )
    return RegisteredModel(
        name=record["name"],
        version=record["version"],
        path=folder / record["file"],
        sha256=record["sha256"],
        size=record["size"],
        created=record["created"],
        notes=notes,
    )


def _check_source(source: Path, root: Path) -> Path:
    """Return *source* with a name of its own: `.` is called as its folder is."""
    path = source.absolute() if source.name not in {"", "..", "."} else source.resolve()
    if not path.exists():
        raise DefinitionError(f"Model `{source}` is not there", hint="give a file or a folder")
    if root.resolve().is_relative_to(path.resolve()):
        raise DefinitionError(f"`{source}` holds the registry itself", hint="give a model's folder")
    return path


def _list_folder(folder: Path) -> tuple[Path, ...]:
    try:
        return tuple(path for path in folder.iterdir() if path.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return ()
