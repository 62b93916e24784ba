"""`azureml.core.model.Model` as entry scripts use it: to ask where a model lies."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator

_LAYOUT = "azureml-models"


class Model:
    """Answers `get_model_path` from what the script was given; there is nothing else to it."""

    @staticmethod
    def get_model_path(
        model_name: str, version: "int | None" = None, _workspace: object = None
    ) -> str:
        """Return where the model *model_name* lies, its latest version if *version* is None."""
        tried = []  # type: list[str]
        for root in _roots():
            folder = os.path.join(root, model_name)
            number = _latest(folder) if version is None else version
            held = os.path.join(folder, str(number))
            tried.append(held if number is not None else folder)
            entries = os.listdir(held) if os.path.isdir(held) else []
            if len(entries) == 1:
                return os.path.join(held, entries[0])
        for root in (os.getcwd(), os.environ.get("AZUREML_MODEL_DIR", "")):
            path = os.path.join(root, model_name)
            tried.append(path)
            if root and os.path.exists(path):
                return path
        raise FileNotFoundError("Model {} is not at {}".format(model_name, ", ".join(tried)))


def _roots() -> "Iterator[str]":
    """Yield the folders that may hold models by name and version, the script's own first."""
    parts = os.environ.get("AZUREML_MODEL_DIR", "").split(os.sep)
    if _LAYOUT in parts:
        end = len(parts) - parts[::-1].index(_LAYOUT)
        yield os.sep.join(parts[:end])
    yield os.path.join(os.environ["AML_APP_ROOT"], _LAYOUT)
    yield os.path.join(os.getcwd(), _LAYOUT)


def _latest(folder: str) -> "int | None":
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return max((int(name) for name in names if name.isdigit()), default=None)
