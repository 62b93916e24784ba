"""The `Model` of the Azure ML SDK, without a workspace."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envsync.errors import DefinitionError, EnvsyncError
from envsync.model.scoring.registered_model import (
    ModelNotes,
    ModelReference,
    RegisteredModel,
    parse_model_reference,
)
from envsync.score.models.registry import LAYOUT
from envsync.sdk.service.model_search import (
    check_version,
    find_laid_out,
    find_registered,
    make_unregistered,
    matches,
)
from envsync.sdk.service.webservice import LocalWebservice, deploy
from envsync.sdk.workspace import bind, check_workspace
from envsync.workflow.scoring import models as workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from envsync.model.scoring.registered_model import NamedModel
    from envsync.sdk.source import StrPath


class Model:
    """A registered model, or a file or folder under a name.

    `Model(name)` is the latest version in the registry of this machine, `Model(name, version=2)`
    or `Model(id="churn:2")` a certain one. `Model(name, path=...)` is not registered, but can be
    deployed too. A workspace before the name is optional and not used.
    """

    class Framework:
        """The SDK's names of frameworks; other text is accepted too."""

        CUSTOM = "Custom"
        MULTI = "Multi"
        ONNX = "Onnx"
        PYTORCH = "PyTorch"
        SCIKITLEARN = "ScikitLearn"
        TENSORFLOW = "TensorFlow"
        TFKERAS = "TfKeras"

    def __init__(self, *given: object, **named: object) -> None:
        """Find a model by `name`, `path` and `version`, or by `id`, `tags` and `properties`.

        Raises:
            DefinitionError: there is no such model.
        """
        known = ("name", "path", "version", "id", "tags", "properties", "workspace")
        wanted: dict[str, Any] = bind("Model", given, named, known[:3], known)
        path = wanted.get("path")
        model = find_registered(wanted) if path is None else make_unregistered(wanted, Path(path))
        self._take(model)

    @staticmethod
    def register(*given: object, **named: object) -> Model:
        """Register the file or folder `model_path` as the next version of `model_name`; return it.

        `tags` and `properties` are dictionaries; `description`, `model_framework` and
        `model_framework_version` are text. `follow_links` copies files that links outside of the
        model lead to.

        Raises:
            DefinitionError: the name can't be the name of a model, or the path does not exist.
        """
        order = ("model_path", "model_name", "tags", "properties", "description")
        more = ("model_framework", "model_framework_version", "workspace", "follow_links")
        known = (*order, *more)
        wanted: dict[str, Any] = bind("register", given, named, order, known)
        missing = [name for name in order[:2] if wanted.get(name) is None]
        if missing:
            raise DefinitionError(f"Model.register() needs `{missing[0]}`")
        notes = ModelNotes(
            tags=_pairs(wanted.get("tags")),
            properties=_pairs(wanted.get("properties")),
            description=wanted.get("description"),
            framework=wanted.get("model_framework"),
            framework_version=wanted.get("model_framework_version"),
        )
        path, name = Path(wanted["model_path"]), wanted["model_name"]
        follows = bool(wanted.get("follow_links"))
        return _of(workflow.register(path, name, notes, follows_links=follows))

    @staticmethod
    def list(*given: object, **named: object) -> list[Model]:
        """Return the registered models, the newest first.

        `name`, `tags` and `properties` filter the models (a tag is `"key"` or `["key", "value"]`),
        `latest=True` returns only the latest version of each.
        """
        known = ("name", "tags", "properties", "latest", "workspace")
        wanted: dict[str, Any] = bind("list", given, named, (), known)
        models = [
            model
            for model in workflow.open_registry().list_models()
            if wanted.get("name") in {None, model.name} and matches(model.notes, wanted)
        ]
        if wanted.get("latest"):
            models = list({model.name: model for model in models}.values())
        newest = sorted(models, key=lambda model: (model.created, model.version), reverse=True)
        return [_of(model) for model in newest]

    @staticmethod
    def get_model_path(
        model_name: str, version: int | None = None, _workspace: object = None
    ) -> str:
        """Return the path of the model *model_name*, of its latest version if *version* is None.

        The model is searched in `azureml-models` below the app root (`AML_APP_ROOT`, or the
        working directory), as in the SDK, then in the registry.

        Raises:
            DefinitionError: there is no such model.
        """
        check_workspace(_workspace)
        reference = parse_model_reference(model_name)
        if version is not None:
            reference = ModelReference(name=reference.name, version=check_version(version))
        root = Path(os.environ.get("AML_APP_ROOT") or Path.cwd())
        found = find_laid_out(root / LAYOUT / reference.name, reference.version)
        return str(workflow.find(reference).path if found is None else found)

    @staticmethod
    def deploy(*given: object, **named: object) -> LocalWebservice:
        """Serve `models` as the local web service `name`; see `LocalWebservice`.

        Takes `name`, `models`, `inference_config` and `deployment_config`, then `overwrite`. A
        model is a `Model`, a registered `NAME[:VERSION]`, or a path.
        """
        order = ("name", "models", "inference_config", "deployment_config", "deployment_target")
        known = (*order, "overwrite", "show_output", "reporter", "workspace")
        wanted: dict[str, Any] = bind("deploy", given, named, order, known)
        config: Any = wanted.get("inference_config")
        if wanted.get("name") is None:
            raise DefinitionError("Model.deploy() needs `name`")
        if wanted.get("deployment_target") is not None:
            raise EnvsyncError(
                "Compute targets are not supported", hint="leave out `deployment_target`"
            )
        return deploy(
            wanted["name"],
            [_of_any(model) for model in wanted.get("models") or ()],
            config,
            wanted.get("deployment_config"),
            overwrite=bool(wanted.get("overwrite")),
            reporter=wanted.get("reporter"),
        )

    def download(
        self, target_dir: StrPath = ".", *, exist_ok: bool = False, exists_ok: bool | None = None
    ) -> str:
        """Copy the model into *target_dir* under its own file name; return the path of the copy.

        Raises:
            DefinitionError: the file exists already, and *exist_ok* is not given.
        """
        overwrite = exist_ok if exists_ok is None else exists_ok
        return str(workflow.download(self._registered(), Path(target_dir), overwrite=overwrite))

    def delete(self) -> None:
        """Delete this version from the registry."""
        workflow.open_registry().delete(self.name, self._registered().version)

    def update(self, tags: Mapping[str, str] | None = None, description: str | None = None) -> None:
        """Replace the tags, the description or both."""
        given: dict[str, Any] = {} if tags is None else {"tags": _pairs(tags)}
        if description is not None:
            given["description"] = description
        self._annotate(lambda notes: replace(notes, **given))

    def add_tags(self, tags: Mapping[str, str]) -> None:
        """Add *tags*, and replace the values of existing ones."""
        self._annotate(lambda notes: replace(notes, tags=_pairs({**dict(notes.tags), **tags})))

    def remove_tags(self, tags: Iterable[str]) -> None:
        """Remove the tags with these names."""
        gone = {tags} if isinstance(tags, str) else set(tags)

        def change(notes: ModelNotes) -> ModelNotes:
            return replace(notes, tags=tuple(pair for pair in notes.tags if pair[0] not in gone))

        self._annotate(change)

    def __repr__(self) -> str:
        return f"Model(name={self.name!r}, version={self.version}, path={str(self.path)!r})"

    def _take(self, model: NamedModel) -> None:
        notes = model.notes if isinstance(model, RegisteredModel) else ModelNotes()
        self.name = model.name
        self.version = model.version
        self.id = f"{model.name}:{model.version}"
        self.path = model.path
        self.tags = dict(notes.tags)
        self.properties = dict(notes.properties)
        self.description = notes.description
        self.model_framework = notes.framework
        self.model_framework_version = notes.framework_version
        registered = model if isinstance(model, RegisteredModel) else None
        self.sha256 = registered and registered.sha256
        self.created_time = registered and registered.created

    def _registered(self) -> RegisteredModel:
        if self.sha256 is None:
            raise EnvsyncError(
                f"Model `{self.name}` is not registered",
                hint=f'register it with `Model.register(model_path="{self.path}", model_name=...)`',
            )
        return workflow.find(ModelReference(name=self.name, version=self.version))

    def _annotate(self, change: Callable[[ModelNotes], ModelNotes]) -> None:
        self._registered()
        self._take(workflow.open_registry().annotate(self.name, self.version, change))


def _of(model: NamedModel) -> Model:
    made = Model.__new__(Model)
    made._take(model)  # noqa: SLF001  # a second constructor
    return made


def _of_any(model: object) -> Model:
    if isinstance(model, Model):
        return model
    if isinstance(model, str | os.PathLike):
        return _of(workflow.resolve_models([os.fspath(model)])[0])
    raise DefinitionError(
        f"A {type(model).__name__} is not a model", hint="give a `Model`, its name or a path"
    )


def _pairs(given: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    return tuple((str(key), str(value)) for key, value in (given or {}).items())
