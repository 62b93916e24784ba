"""The Pythons of this machine, from 3.6 on, each with the interpreter's path."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

_PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")


def find_pythons() -> dict[str, Path]:
    """Return the interpreters by version, `3.6` first; this test run's own is among them."""
    wanted = [f"3.{minor}" for minor in range(6, 15)]
    on_path = ((version, shutil.which(f"python{version}")) for version in wanted)
    found = {version: Path(path) for version, path in on_path if path is not None}
    for path in sorted(_PYENV.glob("versions/3.*/bin/python")):
        found[_minor_of(path.parent.parent.name)] = path
    found[f"3.{sys.version_info.minor}"] = Path(sys.executable)
    return {version: found[version] for version in wanted if version in found}


def _minor_of(version: str) -> str:
    return ".".join(version.split(".")[:2])


PYTHONS = find_pythons()
