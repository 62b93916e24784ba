"""The folder that an entry script finds its models in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.files import cannot_write, make_lasting_aside, remove_left_over
from envsync.score.models.copy import list_files
from envsync.score.models.registry import LAYOUT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envsync.model.scoring.registered_model import NamedModel

_ARRANGED = "arranged"


def arrange_models(models: Sequence[NamedModel], root: Path) -> Path:
    """Return what `AZUREML_MODEL_DIR` is for *models*: one model's own folder, or that of them all.

    Every model lies at `azureml-models/NAME/VERSION/` under its own name. What does not lie there
    already is linked into a folder below *root*, which is this process's until it ends.

    Raises:
        DefinitionError: two of them have the same name and version, or one can't be read.
        EnvsyncError: *root* can't be written to.
    """
    check_distinct(models)
    first = models[0]
    own = first.path.parent
    if len(models) == 1 and own.parts[-3:] == (LAYOUT, first.name, str(first.version)):
        return own
    try:
        root.mkdir(parents=True, exist_ok=True)
        remove_left_over(root / _ARRANGED)
        folder = make_lasting_aside(root / _ARRANGED) / LAYOUT
        for model in models:
            _link_model(model, folder / model.name / str(model.version) / model.path.name)
    except OSError as error:
        raise cannot_write(root, error) from error
    return folder if len(models) > 1 else folder / first.name / str(first.version)


def check_distinct(models: Sequence[NamedModel]) -> None:
    """Refuse *models* of which two would lie in the same place.

    Raises:
        DefinitionError: two would.
    """
    places: dict[tuple[str, int], Path] = {}
    for model in models:
        other = places.setdefault((model.name, model.version), model.path)
        if other != model.path:
            raise DefinitionError(
                f"`{other}` and `{model.path}` would both be `{model.name}/{model.version}`",
                hint="register them under names of their own: `envsync model register`",
            )


def _link_model(model: NamedModel, place: Path) -> None:
    """Link each file of *model*, hard if the system lets us: a soft link shows where it leads to.

    Folders are made, since what walks through them does not follow links. Nothing is copied, so
    links may lead out of the model.
    """
    for relative, path in list_files(model.path, follows_links=True):
        link = place / relative if relative else place
        link.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path.resolve(), link)
        except OSError:
            link.symlink_to(path)
