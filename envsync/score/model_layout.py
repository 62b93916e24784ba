"""The folder that an entry script finds its models in."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError, EnvsyncError
from envsync.files import remove_tree
from envsync.score.model_copy import list_files
from envsync.score.model_registry import LAYOUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envsync.model.registered_model import NamedModel


def arrange_models(models: Sequence[NamedModel], root: Path) -> Path:
    """Return what `AZUREML_MODEL_DIR` is for *models*: one model's own, or that of them all.

    Every model lies at `azureml-models/NAME/VERSION/` and under its own name there. The folders
    are made below *root*, the files in them are links; the same models have the same folder, so
    that one which a server still uses is never changed.

    Raises:
        DefinitionError: two of them have the same name and version, or one can't be read.
        EnvsyncError: *root* can't be written to.
    """
    check_distinct(models)
    links = sorted((place, str(path)) for model in models for place, path in _links(model))
    digest = hashlib.sha256(repr(links).encode("utf-8", "surrogateescape")).hexdigest()[:24]
    arranged = root / "arranged" / digest
    if not arranged.is_dir():
        try:
            _arrange(links, arranged)
        except OSError as error:
            message = f"Cannot write `{arranged}`: {error.strerror or error}"
            raise EnvsyncError(message) from error
    folder = arranged / LAYOUT
    return folder if len(models) > 1 else folder / models[0].name / str(models[0].version)


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


def _links(model: NamedModel) -> Iterator[tuple[str, Path]]:
    place = f"{model.name}/{model.version}/{model.path.name}"
    for relative, path in list_files(model.path):
        yield f"{place}/{relative}" if relative else place, path


def _arrange(links: Sequence[tuple[str, str]], arranged: Path) -> None:
    arranged.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=arranged.parent))
    try:
        for place, path in links:
            link = aside / LAYOUT / place
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
        aside.chmod(0o755)
        aside.replace(arranged)
    except OSError:
        if not arranged.is_dir():  # else another process was quicker
            raise
    finally:
        remove_tree(aside)
