"""The formats that a definition can come in, by the names that `--from` takes."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

SourceFormat: TypeAlias = Literal["azureml", "azureml-v2", "mlflow", "environment-yml", "prefix"]

SOURCE_FORMATS: tuple[SourceFormat, ...] = get_args(SourceFormat)
