"""A gate before the code of packages that uv builds: nothing of it runs until it is let through."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import sys
import sysconfig
import threading
from email.parser import HeaderParser
from pathlib import Path
from typing import TYPE_CHECKING

from envsync.package.pip_record import read_metadata_file

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A Python that is told of another home takes its standard library from there, `encodings` first of
# all. It says where it was started to build something, waits for an answer, and becomes what it was
# to be, or ends. Only modules that are part of the interpreter are at hand.
_DOOR = """\
import posix
import sys
import time

place = {place!r} + b"/%d" % posix.getpid()
descriptor = posix.open(place + b".part", posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL, 0o600)
posix.write(descriptor, posix.getcwdb())
posix.close(descriptor)
posix.rename(place + b".part", place + b".ask")
for _ in range({patience}):
    try:
        posix.stat(place + b".yes")
    except OSError:
        pass
    else:
        environ = {{key: it for key, it in posix.environ.items() if key != b"PYTHONHOME"}}
        posix.unlink(place + b".yes")
        posix.execve(sys.executable, sys.orig_argv, environ)
    try:
        posix.stat(place + b".no")
    except OSError:
        time.sleep({pause})
    else:
        break
posix._exit(1)
"""
_HELPER = '#!/bin/sh\nunset PYTHONHOME\nexec {} "$@"\n'
_HELPERS = ("git", "keyring")  # what uv starts besides, which may be written in Python
_PAUSE = 0.01  # seconds
_PATIENCE = 12_000  # of those
_IDENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,99}")


@contextlib.contextmanager
def gate_builds(
    folder: Path, environ: dict[str, str], admit: Callable[[Path], bool]
) -> Iterator[dict[str, str]]:
    """Give the environment for a uv whose builds *admit* is asked about, by their source folders.

    It is asked once for each folder, before code that is there runs. Files for it lie in *folder*.
    Windows knows no way to do so: there all builds run.
    """
    if os.name != "posix":
        yield environ
        return
    home, asked, helpers = (folder / name for name in ("home", "asked", "helpers"))
    folder.mkdir()
    _write_home(home, asked)
    _write_helpers(helpers, environ)
    asked.mkdir()
    is_over = threading.Event()
    thread = threading.Thread(target=_answer, args=(asked, admit, is_over), daemon=True)
    thread.start()
    path = os.pathsep.join((str(helpers), environ.get("PATH", os.defpath)))
    try:
        yield {**environ, "PYTHONHOME": str(home), "PATH": path}
    finally:
        is_over.set()
        thread.join()


def refuse_build(source: Path) -> bool:
    """Let nothing through: for a uv that is only asked what there is."""
    del source
    return False


def identify(source: Path) -> tuple[str, str]:
    """Return name and version of the source code in *source*, empty where it does not say."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        headers = HeaderParser().parsestr(read_metadata_file(source, "PKG-INFO").decode())
        return _clean(headers.get("Name")), _clean(headers.get("Version"))
    with contextlib.suppress(OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        project = tomllib.loads(read_metadata_file(source, "pyproject.toml").decode())
        found = project.get("project", {})
        if isinstance(found, dict):
            return _clean(found.get("name")), _clean(found.get("version"))
    return "", ""


def _clean(text: object) -> str:
    """Return *text* of a package if it can be shown, else nothing."""
    found = str(text or "").strip()
    return found if _IDENTITY.fullmatch(found) else ""


def _write_home(home: Path, asked: Path) -> None:
    library = Path(sysconfig.get_path("stdlib")).relative_to(sys.base_prefix)
    (home / library / "encodings").mkdir(parents=True)
    text = _DOOR.format(place=os.fsencode(asked), patience=_PATIENCE, pause=_PAUSE)
    (home / library / "encodings" / "__init__.py").write_text(text, encoding="utf-8")


def _write_helpers(folder: Path, environ: dict[str, str]) -> None:
    folder.mkdir()
    for name in _HELPERS:
        program = shutil.which(name, path=environ.get("PATH"))
        if program is not None:
            (folder / name).write_text(_HELPER.format(shlex.quote(program)), encoding="utf-8")
            (folder / name).chmod(0o700)


def _answer(asked: Path, admit: Callable[[Path], bool], is_over: threading.Event) -> None:
    known: dict[Path, bool] = {}
    while not is_over.wait(_PAUSE):
        for question in asked.glob("*.ask"):
            source = Path(os.fsdecode(question.read_bytes()))
            question.unlink()
            if source not in known:
                known[source] = False
                with contextlib.suppress(OSError):
                    known[source] = admit(source)
            question.with_suffix(".yes" if known[source] else ".no").touch()
