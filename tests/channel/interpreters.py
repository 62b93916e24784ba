"""The CPythons of this machine that a stand-in package can be made from."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUERY = """
import json, os, sys, sysconfig
print(json.dumps({
    "implementation": sys.implementation.name,
    "executable": os.path.realpath(sys.executable),
    "version": "%d.%d.%d" % sys.version_info[:3],
    "banner": sys.version,
    "prefix": sys.base_prefix,
    "stdlib": sysconfig.get_path("stdlib"),
    "prerelease": sys.version_info[3] != "final",
}))
"""
_MINORS = tuple(f"3.{minor}" for minor in range(6, 16))


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
    """One CPython on this machine; *executable* is the binary itself, never a venv's link."""

    executable: Path
    version: str
    banner: str
    prefix: str
    stdlib: Path

    @property
    def minor(self) -> str:
        """The version that conda's `python_abi` would name, such as `3.11`."""
        return ".".join(self.version.split(".")[:2])

    @property
    def next_minor(self) -> str:
        """The first version that packages made for this one must refuse."""
        major, minor = self.minor.split(".")
        return f"{major}.{int(minor) + 1}"


def running_interpreter() -> Interpreter:
    """Return the CPython that runs this code."""
    found = _query(Path(sys.executable).resolve())
    if found is None:
        message = f"{sys.executable} is not a CPython that a package can be made from"
        raise RuntimeError(message)
    return found


def find_interpreters() -> dict[str, Interpreter]:
    """Return the CPythons found, one per minor version; the running one wins over others."""
    running = running_interpreter()
    found = {running.minor: running}
    for candidate in _candidates():
        interpreter = _query(candidate)
        if interpreter is not None:
            found.setdefault(interpreter.minor, interpreter)
    return found


def _candidates() -> Iterator[Path]:
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions"
    managed = home / ".local/share/uv/python"
    for minor in reversed(_MINORS):
        for parent, pattern in ((pyenv, f"{minor}.*"), (managed, f"cpython-{minor}.*")):
            if not os.access(parent, os.R_OK | os.X_OK):  # not there, or another user's
                continue
            for directory in sorted(parent.glob(pattern), reverse=True):
                yield directory / f"bin/python{minor}"
        for name in (f"/usr/local/bin/python{minor}", f"/usr/bin/python{minor}"):
            yield Path(name)
        on_path = shutil.which(f"python{minor}")
        if on_path is not None:
            yield Path(on_path)


def _query(executable: Path) -> Interpreter | None:
    if not os.access(executable, os.X_OK):
        return None
    done = subprocess.run(
        [str(executable), "-I", "-S", "-c", _QUERY],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    if done.returncode != 0:
        return None
    facts = json.loads(done.stdout)
    if facts["implementation"] != "cpython" or facts["prerelease"]:
        return None
    return Interpreter(
        executable=Path(facts["executable"]),
        version=facts["version"],
        banner=facts["banner"],
        prefix=facts["prefix"],
        stdlib=Path(facts["stdlib"]),
    )
