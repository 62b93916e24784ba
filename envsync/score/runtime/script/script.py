"""Loading the entry script."""

import importlib.util
import os
import sys

from ..protocol.failure import ContractError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

ENTRY_MODULE = "entry_module"


def prepare_environment(entry_script: str, app_root: str, model_dir: "str | None") -> None:
    """Set the variables that Azure ML sets, as absolute paths, and the import path.

    The script's own directory comes first, as when Python runs it; then what was there; then
    the app root and the source directory under it, which Azure ML offers too.
    """
    os.environ["AZUREML_ENTRY_SCRIPT"] = entry_script
    os.environ["AML_APP_ROOT"] = app_root
    if model_dir is not None:
        os.environ["AZUREML_MODEL_DIR"] = model_dir
    sys.argv[:] = [entry_script]
    sys.path[:] = [entry for entry in sys.path if entry]
    sys.path.insert(0, os.path.dirname(entry_script))
    source = os.environ.get("AZUREML_SOURCE_DIRECTORY", "")
    for entry in (app_root, os.path.join(app_root, source)):
        if entry not in sys.path:
            sys.path.append(entry)


def load_script(entry_script: str) -> "ModuleType":
    """Import the file *entry_script* as the module `entry_module`.

    It stays in `sys.modules`, so that pickles, dataclasses and child processes find it there.

    Raises:
        ContractError: it lacks `init` or `run`.
    """
    spec = importlib.util.spec_from_file_location(ENTRY_MODULE, entry_script)
    if spec is None or spec.loader is None:
        raise ContractError("no-python", "its name does not end in `.py`")
    module = importlib.util.module_from_spec(spec)
    sys.modules[ENTRY_MODULE] = module
    spec.loader.exec_module(module)
    for name in ("init", "run"):
        _check_function(module, name)
    return module


def offer_entry_module() -> None:
    """Let `import entry_module` find the script, for a child that multiprocessing spawned."""
    sys.meta_path.append(_EntryModuleFinder())


class _EntryModuleFinder:
    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        del path, target
        entry_script = os.environ.get("AZUREML_ENTRY_SCRIPT")
        if name != ENTRY_MODULE or not entry_script:
            return None
        return importlib.util.spec_from_file_location(name, entry_script)


def _check_function(module: "ModuleType", name: str) -> None:
    if not hasattr(module, name):
        message = "The entry script does not have a {}() function".format(name)
        raise ContractError("no-" + name, message)
    if not callable(getattr(module, name)):
        raise ContractError(name + "-not-callable", "`{}` is not callable".format(name))
