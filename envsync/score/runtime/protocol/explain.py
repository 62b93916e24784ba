"""Why an entry script could not be loaded, for the person who has to mend it."""

import re

from .messages import failure_summary
from .tree import draw_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CONTRACT_HINT = "Azure ML calls `init()` once, then `run(data)` for each request"
_FILE_ERRORS = ("FileNotFoundError", "IsADirectoryError", "NotADirectoryError")
_LOADING = re.compile(r"\bloads?\(|\bload_model\(|pickle\.py\"")
_NAME_HINT = "name it as Python source is named: `{}.py`"
_CONTRACT_KINDS = ("no-python", "init-not-callable", "run-not-callable", "run-signature")


class Explanation:
    """What is the case, what to do, and whether it is the script that has to change."""

    def __init__(self, message: str, hint: "str | None", *, is_definition: bool) -> None:
        self.message = message
        self.hint = hint
        self.is_definition = is_definition


def explain(told: "dict[str, Any]", entry_script: str, model_dir: str, python: str) -> Explanation:
    """Return the explanation of *told*, which a worker said instead of that it is ready."""
    name, kind = entry_script.replace("\\", "/").rsplit("/", 1)[-1], told["kind"]
    if kind == "died":
        message = "The Python that runs `{}` {} while it was loaded".format(name, told["status"])
        return Explanation(message, None, is_definition=False)
    told_failure = told["failure"]
    trace = told_failure["traceback"].rstrip("\n")
    if kind == "debugger":
        message = "The debugger cannot listen: {}".format(told_failure["message"])
        hint = "choose another port with `--debug-port`"
        return Explanation(message, hint, is_definition=False)
    if kind in ("no-init", "no-run"):
        message = "Entry script `{}` defines no `{}` function".format(name, kind[3:])
        return Explanation(message, CONTRACT_HINT, is_definition=True)
    if kind in _CONTRACT_KINDS:
        message = "Entry script `{}`: {}".format(name, told_failure["message"])
        hint = _NAME_HINT.format(name.split(".")[0]) if kind == "no-python" else CONTRACT_HINT
        return Explanation(message, hint, is_definition=True)
    if kind == "syntax":
        message = "Entry script `{}` cannot be parsed by `{}`\n{}".format(name, python, trace)
        hint = "save `{}` as Python source in UTF-8".format(entry_script)
        if told_failure["line"]:
            hint = "correct line {} of `{}`".format(told_failure["line"], entry_script)
        return Explanation(message, hint, is_definition=True)
    return _explain_failure(told, name, model_dir, trace)


def _explain_failure(told: "dict[str, Any]", name: str, model_dir: str, trace: str) -> Explanation:
    """Return the explanation of an exception that the script raised."""
    told_failure, kind = told["failure"], told["kind"]
    what = (
        "Entry script `{}` cannot be imported"
        if kind == "import"
        else ("`init()` of entry script `{}` failed")
    )
    lines = ["{}: {}".format(what.format(name), failure_summary(told_failure)), trace]
    if kind == "init":
        lines.extend(_model_dir_lines(told_failure, model_dir))
    if _is_unpickling(told_failure):
        found = ", ".join(told.get("versions") or ["none that is known"])
        lines.append("A model was being loaded; what is imported: {}".format(found))
    hint_or_none = _hint(told, model_dir)
    return Explanation("\n".join(lines), hint_or_none, is_definition=False)


def _model_dir_lines(told_failure: "dict[str, Any]", model_dir: str) -> "list[str]":
    if not model_dir:
        return ["There is no model dir: `AZUREML_MODEL_DIR` is not set"]
    if told_failure["type"] not in _FILE_ERRORS:
        return []
    tree = ["  " + line for line in draw_tree(model_dir)]
    return ["Model dir `{}` holds".format(model_dir), *tree]


def _is_unpickling(told_failure: "dict[str, Any]") -> bool:
    """Say whether a pickle does not fit what is installed, as far as one can tell."""
    if told_failure["type"] in _FILE_ERRORS:
        return False
    if told_failure["type"] == "ModuleNotFoundError" and "." not in told_failure["message"]:
        return False  # a package that is not there at all
    if told_failure["type"] == "KeyError" and "AZUREML_MODEL_DIR" in told_failure["message"]:
        return False  # its place is looked up where it is loaded
    return _LOADING.search(told_failure["traceback"]) is not None


def _misses_model(told: "dict[str, Any]") -> bool:
    """Say whether the script may have failed for want of a model: `init()` is to load it."""
    told_failure = told["failure"]
    text = told_failure["message"] + told_failure["traceback"]
    return told["kind"] == "init" or "AZUREML_MODEL_DIR" in text


def _hint(told: "dict[str, Any]", model_dir: str) -> "str | None":
    told_failure = told["failure"]
    if _is_unpickling(told_failure):
        return "pin the versions that the model was saved with, or save it again with these"
    if told_failure["type"] == "ModuleNotFoundError":
        return "add the package that has it to `conda_dependencies.yml`, then lock and build again"
    if told_failure["type"] in _FILE_ERRORS or (not model_dir and _misses_model(told)):
        return "give the directory of the model with `--model-dir`"
    return None
