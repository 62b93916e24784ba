"""The entry script of an MLflow model that has none, as Azure ML's no-code deployment has one."""

import importlib
import json
import os
import pathlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FRAMES = {"dataframe_split": "split", "dataframe_records": "records"}
_TENSORS = ("instances", "inputs")
_KEYS = ("input_data", *_FRAMES, *_TENSORS)

_model = None  # type: Any


def init() -> None:
    """Load the model."""
    global _model  # noqa: PLW0603  # the contract of entry scripts leaves no other place
    try:
        pyfunc = importlib.import_module("mlflow.pyfunc")
    except ImportError as error:
        message = "an MLflow model without an entry script needs `mlflow` in its environment: {}"
        raise ImportError(message.format(error)) from error
    _model = pyfunc.load_model(_find_model(os.environ["AZUREML_MODEL_DIR"]))


def run(raw_data: str) -> "Any":
    """Return the model's predictions for a JSON object with `input_data`, or as MLflow has it."""
    data = json.loads(raw_data)
    given = [key for key in _KEYS if isinstance(data, dict) and key in data]
    if len(given) != 1:
        message = "the request has to be a JSON object with one of: {}"
        raise ValueError(message.format(", ".join(_KEYS)))
    model_input = _read(given[0], data[given[0]])
    if data.get("params"):
        return _model.predict(model_input, params=data["params"])
    return _model.predict(model_input)


def _find_model(model_dir: str) -> str:
    """Return the folder of the model, where it really is: MLflow takes no links out of it."""
    root = pathlib.Path(model_dir)
    for folder in [root, *sorted(root.iterdir())]:
        mark = folder / "MLmodel"
        if mark.is_file():
            return str(mark.resolve().parent)
    raise FileNotFoundError("no MLflow model is in `" + model_dir + "`")


def _read(key: str, value: "Any") -> "Any":
    """Return *value* as a data frame, an array or several, by what the model's signature asks."""
    schema = _model.metadata.get_input_schema()
    helpers = importlib.import_module("mlflow.utils.proto_json_utils")
    if key in _FRAMES:
        return helpers.dataframe_from_parsed_json(value, _FRAMES[key], schema)
    if key in _TENSORS:
        return helpers.parse_tf_serving_input({key: value}, schema)
    if isinstance(value, dict) and "data" in value:
        return helpers.dataframe_from_parsed_json(value, "split", schema)
    is_list = isinstance(value, list)
    if is_list and value and all(isinstance(row, dict) for row in value):
        return helpers.dataframe_from_parsed_json(value, "records", schema)
    if is_list and schema is not None and not schema.is_tensor_spec() and schema.has_input_names():
        split = {"columns": schema.input_names(), "data": value}
        return helpers.dataframe_from_parsed_json(split, "split", schema)
    return helpers.parse_tf_serving_input({"inputs": value}, schema)
