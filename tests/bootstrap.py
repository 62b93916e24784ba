"""A virtual environment with this checkout in it, made by the standard library alone."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHECKOUT = Path(__file__).resolve().parents[1]
_OLDEST = (3, 10)
_OWNER = "checkout.txt"  # written last, in the venv: it names the checkout that it was made for


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
    if _owner(venv) is None:
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


def _owner(venv: Path) -> Path | None:
    """Return the checkout that *venv* was made for, or None if it isn't there or not complete."""
    try:
        return Path((venv / _OWNER).read_text(encoding="utf-8"))
    except OSError:
        return None


def _make(venv: Path, group: str) -> None:
    """Make *venv* in its place, as venvs can't be moved, and remove it if anything fails."""
    venv.parent.mkdir(parents=True, exist_ok=True)
    with (venv.parent / ".venv.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _owner(venv) is not None:  # another process made it in the meantime
            return
        _remove_useless(venv.parent, group)
        try:
            _create(venv)
            _install(venv, group)
            (venv / _OWNER).write_text(str(CHECKOUT), encoding="utf-8")
        except BaseException:
            shutil.rmtree(venv, ignore_errors=True)
            raise


def _install(venv: Path, group: str) -> None:
    python = str(venv / "bin/python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    _run([*pip, _uv_requirement()], "install uv from the package index")
    uv = [str(venv / "bin/uv"), "pip", "install", "--quiet", "--compile-bytecode"]
    uv += ["--python", python]
    groups = ["--group", f"{CHECKOUT / 'pyproject.toml'}:{group}"]
    _run([*uv, "--editable", str(CHECKOUT), *groups], "install envsync and its dependencies")


def _remove_useless(cache: Path, group: str) -> None:
    """Delete what was not finished, what this run replaces, and what served a checkout now gone."""
    for venv in cache.glob("venv-*"):
        owner = _owner(venv)
        is_replaced = owner == CHECKOUT and venv.name.startswith(f"venv-{group}-")
        if owner is None or is_replaced or not (owner / "pyproject.toml").is_file():
            shutil.rmtree(venv, ignore_errors=True)


def _create(venv: Path) -> None:
    what = "make a virtual environment"
    on_path = shutil.which("uv")
    if importlib.util.find_spec("ensurepip") is not None:
        _run([sys.executable, "-m", "venv", str(venv)], what)
    elif on_path is not None:
        seeded = [on_path, "venv", "--quiet", "--seed", "--python", sys.executable]
        _run([*seeded, str(venv)], what)
    else:
        _run([sys.executable, "-m", "venv", "--without-pip", str(venv)], what)
        _bring_pip_from_debian(venv)


def _bring_pip_from_debian(venv: Path) -> None:
    """Install pip by Debian's copy of it, which takes no root to download and to unpack.

    Debian keeps `ensurepip` in a package that a fresh machine lacks.
    """
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    message = (
        f"{sys.executable} can't make virtual environments: its module `ensurepip` is missing\n"
        f"Install it (`sudo apt-get install {package}` for Debian's own) or uv, and run this again"
    )
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise StepFailedError(message)
    say("  This Python has no `ensurepip`: taking pip from Debian's package `python3-pip-whl`")
    with tempfile.TemporaryDirectory() as name:
        try:
            wheel = _download_pip_wheel(Path(name))
            install = [str(venv / "bin/python"), "-m", "pip", "install", "--quiet", "pip"]
            environ = {**os.environ, "PYTHONPATH": str(wheel)}
            _run(install, "install pip from the package index", env=environ)
        except StepFailedError as error:
            said = f"{message}\n\n{error}"
            raise StepFailedError(said) from error


def _download_pip_wheel(scratch: Path) -> Path:
    for folder in ("lists/partial", "cache/archives/partial"):
        (scratch / folder).mkdir(parents=True)
    own = (f"Dir::State::lists={scratch}/lists", f"Dir::Cache={scratch}/cache")
    options = ["--quiet=2", *(f"--option={it}" for it in (*own, "Debug::NoLocking=true"))]
    _run(["apt-get", *options, "update"], "read Debian's list of packages", cwd=scratch)
    download = ["apt-get", *options, "download", "python3-pip-whl"]
    _run(download, "download `python3-pip-whl`", cwd=scratch)
    archive = next(scratch.glob("python3-pip-whl_*.deb"))
    _run(["dpkg-deb", "--extract", str(archive), str(scratch / "root")], "unpack it")
    return next(scratch.glob("root/usr/share/python-wheels/pip-*.whl"))


def _uv_requirement() -> str:
    """Return the range of uv that the project declares; TOML can't be read before Python 3.11."""
    text = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^  "(uv[<>=][^"]*)"', text, re.MULTILINE)
    return found[1] if found else "uv"


def _run(
    command: Sequence[str], what: str, *, cwd: Path = CHECKOUT, env: dict[str, str] | None = None
) -> None:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = f"Could not {what}\n$ {' '.join(command)}\n{done.stdout}{done.stderr}"
        raise StepFailedError(message.rstrip())
