"""The model dir."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.score.runtime.protocol.tree import draw_tree

if TYPE_CHECKING:
    from pathlib import Path


def check_model_dir(path: Path) -> Path:
    """Return *path* made absolute.

    Raises:
        DefinitionError: it is no directory; what lies beside it is shown.
    """
    directory = path.absolute()
    if directory.is_dir():
        return directory
    if directory.exists():
        raise DefinitionError(
            f"Model dir `{path}` is a file",
            hint=f"give its directory: `--model-dir {path.parent}`",
        )
    near = next(parent for parent in directory.parents if parent.is_dir())
    lines = [f"Model dir `{path}` is not there", f"  tried `{directory}`", f"  `{near}` holds"]
    lines += [f"    {line}" for line in draw_tree(str(near), depth=1)]
    raise DefinitionError("\n".join(lines), hint="give the directory with `--model-dir`")
