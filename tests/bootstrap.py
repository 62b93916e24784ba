"""A virtual environment with this checkout in it, made by the standard library alone."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHECKOUT = Path(__file__).resolve().parents[1]
_OLDEST = (3, 10)


class StepFailedError(Exception):
    """A step that can't be taken; the text says which, why, and what to do."""


def say(text: str = "") -> None:
    """Tell the person who started this, at once."""
    print(text, flush=True)  # noqa: T201  # a program says what it does


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Say *what* is being done, and how long it took."""
    say(f"{what} ...")
    start = time.monotonic()
    yield
    say(f"  {time.monotonic() - start:.1f} s")


def cache_directory() -> Path:
    """Return where what is costly to make is kept: `ENVSYNC_TEST_CACHE`, or the user's cache."""
    chosen = os.environ.get("ENVSYNC_TEST_CACHE")
    if chosen:
        return Path(chosen).absolute()
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "envsync-tests"


def enter_venv(group: str) -> None:
    """Go on in a virtual environment that has envsync and the dependency *group*.

    Returns at once in that environment's Python; in another it makes the environment if need be
    and starts the running script over in it.
    """
    if sys.version_info < _OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        message = f"envsync needs Python 3.10 or newer, and {sys.executable} is {found}"
        raise StepFailedError(message)
    venv = cache_directory() / f"venv-{group}-{_fingerprint(group)}"
    if Path(sys.prefix) == venv:
        return
    if not venv.is_dir():
        with timed(f"Making a virtual environment, `{venv}`"):
            _make(venv, group)
    python = venv / "bin/python"
    os.environ["PATH"] = os.pathsep.join([str(venv / "bin"), os.environ.get("PATH", os.defpath)])
    os.environ["VIRTUAL_ENV"] = str(venv)
    os.environ.pop("PYTHONHOME", None)
    os.execv(python, [str(python), *sys.argv])  # noqa: S606  # the same script, over again


def _fingerprint(group: str) -> str:
    """Tell apart checkouts, what they ask for, and the Pythons that venvs are made of."""
    parts = [str(CHECKOUT), sys.version, str(Path(sys.executable).resolve()), group]
    parts += [(CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def _make(venv: Path, group: str) -> None:
    """Make *venv* in its place, as venvs can't be moved, and remove it if anything fails."""
    venv.parent.mkdir(parents=True, exist_ok=True)
    try:
        _create(venv)
        python = str(venv / "bin/python")
        pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        _run([*pip, _uv_requirement()], "install uv from the package index")
        uv = [str(venv / "bin/uv"), "pip", "install", "--quiet", "--python", python]
        groups = ["--group", f"{CHECKOUT / 'pyproject.toml'}:{group}"]
        _run([*uv, "--editable", str(CHECKOUT), *groups], "install envsync and its dependencies")
    except BaseException:
        shutil.rmtree(venv, ignore_errors=True)
        raise


def _create(venv: Path) -> None:
    on_path = shutil.which("uv")
    if importlib.util.find_spec("ensurepip") is not None:
        command = [sys.executable, "-m", "venv", str(venv)]
    elif on_path is not None:
        command = [on_path, "venv", "--quiet", "--seed", "--python", sys.executable, str(venv)]
    else:
        _install_venv_module()
        command = [sys.executable, "-m", "venv", str(venv)]
    _run(command, "make a virtual environment")


def _install_venv_module() -> None:
    """Debian keeps what makes virtual environments in a package of its own."""
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    install = f"apt-get install --yes --no-install-recommends {package}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        message = (
            f"{sys.executable} can't make virtual environments: its module `ensurepip` is missing\n"
            f"Install it (`sudo {install}`) or install uv, and run this again"
        )
        raise StepFailedError(message)
    say(f"  $ {install}")
    _run(["apt-get", "--quiet=2", "update"], "read Debian's list of packages")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    _run(install.split(), f"install {package}")
    importlib.invalidate_caches()


def _uv_requirement() -> str:
    """Return the range of uv that the project declares; TOML can't be read before Python 3.11."""
    text = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^  "(uv[<>=][^"]*)"', text, re.MULTILINE)
    return found[1] if found else "uv"


def _run(command: Sequence[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = f"Could not {what}\n$ {' '.join(command)}\n{done.stdout}{done.stderr}"
        raise StepFailedError(message.rstrip())
