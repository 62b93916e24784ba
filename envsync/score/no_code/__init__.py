"""Serving a model that needs no entry script: one that MLflow saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from envsync.score.entry_script import Candidate

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARK = "MLmodel"
# Its folder holds no module that could get in the way of one: scripts import from there.
NO_CODE_SCRIPT = Path(__file__).parent / "mlflow_score.py"


def is_mlflow_model(folder: Path) -> bool:
    """Return whether MLflow saved a model as *folder*."""
    return (folder / _MARK).is_file()


def no_code_candidates(model_dir: Path | None, app_root: Path) -> Iterator[Candidate]:
    """Yield the entry script that stands in where *model_dir* is an MLflow model without one."""
    if model_dir is None:
        return
    folders = (model_dir, *(path for path in model_dir.iterdir() if path.is_dir()))
    if any(is_mlflow_model(folder) for folder in folders):
        yield Candidate(path=NO_CODE_SCRIPT, app_root=app_root)
