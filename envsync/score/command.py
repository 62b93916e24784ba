"""The runtime's command line: how a target's interpreter is made to work or to serve."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envsync.model.scoring.target import ScoringTarget

RUNTIME = Path(__file__).parent / "runtime"
# Python's options: the server itself needs no packages of the environment, and none of the code
# that their `.pth` files run; its workers do.
_FLAGS = {"worker": ("-B",), "serve": ("-B", "-S")}


def runtime_command(
    face: str,
    target: ScoringTarget,
    options: Mapping[str, object] | None = None,
    *,
    runtime: Path = RUNTIME,
) -> tuple[str, ...]:
    """Return the command that starts the *face* of the runtime, `worker` or `serve`, for *target*.

    Nothing is written beside the script. An option that is None is left out. The *runtime* is
    elsewhere in a container.
    """
    given: dict[str, object] = {
        "entry-script": target.entry_script,
        "app-root": target.app_root,
        "model-dir": target.model_dir,
        **(options or {}),
    }
    return (
        *(str(target.interpreter.python), *_FLAGS[face], str(runtime / "__main__.py"), face),
        *(
            word
            for name, value in given.items()
            if value is not None
            for word in (f"--{name}", str(value))
        ),
    )
