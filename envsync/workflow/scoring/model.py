"""The model that is scored or served, wherever the command line says it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.score.models.directory import check_model_dir
from envsync.score.no_code import is_mlflow_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def find_scoring_model(
    model_dir: Path | None, models: Sequence[str], directory: Path
) -> Path | None:
    """Return what `AZUREML_MODEL_DIR` is, None where there is no model.

    It is *model_dir*, or what holds *models*, or else what *directory* offers: its `model`, or
    itself if it is an MLflow model.

    Raises:
        DefinitionError: a model is not there, or both of the two are given.
    """
    if models:
        if model_dir is not None:
            raise DefinitionError("`--model` and `--model-dir` exclude each other")
        from envsync.workflow.scoring.models import find_model_dir, resolve_models

        return find_model_dir(resolve_models(models))
    if model_dir is not None:
        return check_model_dir(model_dir)
    if is_mlflow_model(directory):
        return directory
    return directory / "model" if (directory / "model").is_dir() else None
