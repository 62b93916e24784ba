"""pip requirements through uv: lock them for another machine, install them into a prefix."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.pylock import Package, PackageArchive, PackageSdist, PackageWheel, Pylock
from packaging.utils import canonicalize_name
from uv import find_uv_bin

from envsync import process
from envsync.errors import EnvsyncError, UnsatisfiableError
from envsync.lock.pylock import dump_pylock
from envsync.model.channel import redact_url
from envsync.model.lockfile import LockedPackage
from envsync.solve.python_target import describe_environment, list_tags

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envsync.solve.request import PipRequest, PythonDistribution

_TARGETS = {
    "linux-64": "x86_64-unknown-linux-gnu",
    "linux-aarch64": "aarch64-unknown-linux-gnu",
    "linux-ppc64le": "powerpc64le-unknown-linux-gnu",
    "osx-64": "x86_64-apple-darwin",
    "osx-arm64": "aarch64-apple-darwin",
    "win-64": "x86_64-pc-windows-msvc",
}
# The manylinux targets that uv knows, by the minor version of glibc.
_MANYLINUX = (17, 28, *range(31, 41))
# Options of a definition that uv takes on its command line and not among the requirements.
_FLAGS = {"--pre": ("--prerelease", "allow")}
_TRUSTED_HOST = re.compile(r"--trusted-host[\s=]+(\S+)")
_LABEL = re.compile(r"^\W*(?:error|cause|Caused by)?:?\W*(?=\w|`)")
_INDEX = re.compile(r"--(?:extra-)?index-url[\s=]+(\S+)")
_UNSATISFIABLE = "No solution found"
_CALLERS_PYTHON = ("CONDA_PREFIX", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")


class UvSolver:
    """Locks pip requirements for a Python and a subdir that need not be this machine's.

    With *offline* only what uv has in its cache counts.
    """

    def __init__(self, *, offline: bool = False) -> None:
        self._is_offline = offline

    def solve(self, request: PipRequest) -> tuple[LockedPackage, ...]:
        """Return one package per name, sorted by name, without what conda provides."""
        with tempfile.TemporaryDirectory(prefix="envsync-") as name:
            folder = Path(name)
            constraints = folder / "constraints.txt"
            constraints.write_text(
                "".join(_write_stub(folder, item) for item in request.provided), encoding="utf-8"
            )
            done = process.run(
                [
                    *_uv("pip", "compile", "-", "--quiet", "--format", "pylock.toml"),
                    *("--python", sys.executable, "--python-version", request.python_version),
                    *("--python-platform", find_target(request.subdir, request.glibc)),
                    *("--index-strategy", "unsafe-best-match"),  # as pip itself chooses
                    *("--constraint", str(constraints), "--no-header"),
                    *("--output-file", str(_prefer(folder, request.preferred))),
                    *_list_cut_off(request),
                    *(("--offline",) if self._is_offline else ()),
                    *_list_flags(request.options),
                ],
                cwd=request.directory,
                env=_environment(),
                stdin="\n".join((*_list_options(request.options), *request.requirements)),
            )
            if done.status != 0:
                raise _explain_compile(request, done.stderr)
            written = (folder / "pylock.toml").read_text(encoding="utf-8")
        lock = Pylock.from_dict(_without_dates(tomllib.loads(written)))
        return tuple(_select(lock, request, base=folder.resolve()))


class UvInstaller:
    """Puts locked pip packages into a prefix that has a Python.

    *options* are the definition's pip options, for the credentials that its indexes may hold:
    the addresses in a lock have none.
    """

    def __init__(self, options: Sequence[str] = ()) -> None:
        self._indexes = _list_indexes(options)

    def install(self, packages: Sequence[LockedPackage], *, python: Path) -> None:
        """Install *packages* and nothing else, each archive held against its sha256.

        Raises:
            EnvsyncError: an archive can't be fetched, is not the one that was locked, or can't
                be installed.
        """
        options = ("--python", str(python), "--break-system-packages")
        _install(packages, options, self._indexes)


class UvUnpacker:
    """Puts locked pip packages, of whatever machine and Python, where they can be read.

    *options* are as those of `UvInstaller`.
    """

    def __init__(self, options: Sequence[str] = ()) -> None:
        self._indexes = _list_indexes(options)

    def unpack(
        self, packages: Sequence[LockedPackage], *, target: Path, python_version: str
    ) -> Path:
        """Install *packages* into the new virtual environment *target*; return where they lie.

        Nothing of theirs is run, but for an archive that must be built first.

        Raises:
            EnvsyncError: an archive can't be fetched, or is not the one that was locked.
        """
        made = process.run(
            _uv("venv", "--quiet", "--python", sys.executable, str(target)), env=_environment()
        )
        if made.status != 0:
            raise EnvsyncError(f"uv can't make a folder for packages: {'; '.join(_tell(made))}")
        machine = find_target(packages[0].subdir, f"2.{_MANYLINUX[-1]}")
        for_it = ("--python-platform", machine, "--python-version", python_version)
        options = ("--python", str(target / "bin" / "python"), *for_it)
        _install(packages, options, self._indexes)
        return next(target.glob("lib/python*/site-packages"))


def _list_indexes(options: Iterable[str]) -> list[str]:
    return [match[1] for option in options if (match := _INDEX.match(option))]


def _install(
    packages: Sequence[LockedPackage], options: Sequence[str], indexes: Sequence[str]
) -> None:
    with tempfile.TemporaryDirectory(prefix="envsync-") as name:
        pylock = Path(name) / "pylock.toml"
        pylock.write_text(dump_pylock(packages), encoding="utf-8")
        command = _uv("pip", "install", "--quiet", "--no-deps", "--require-hashes", *options)
        done = process.run(
            [*command, "--requirement", str(pylock)],
            # not among the arguments, which every user of the machine can list
            env={**_environment(), "UV_EXTRA_INDEX_URL": " ".join(indexes)},
        )
    if done.status != 0:
        lines = (f"  {line}" for line in _tell(done))
        raise EnvsyncError("\n".join(("Cannot install the pip packages", *lines)))


def find_target(subdir: str, glibc: str | None) -> str:
    """Return uv's name for the machines of *subdir*, no newer in their C library than *glibc*."""
    target = _TARGETS[subdir]
    machine, _, rest = target.partition("-")
    if rest != "unknown-linux-gnu" or glibc is None or machine == "powerpc64le":
        return target
    fitting = [minor for minor in _MANYLINUX if minor <= int(glibc.split(".")[1])]
    return f"{machine}-manylinux_2_{max(fitting, default=17)}"


def _uv(*arguments: str) -> list[str]:
    return [find_uv_bin(), *arguments, "--no-config", "--color", "never"]


def _environment() -> dict[str, str]:
    """Return this process's environment without what would point uv at another Python."""
    return {name: value for name, value in os.environ.items() if name not in _CALLERS_PYTHON}


def _write_stub(folder: Path, provided: PythonDistribution) -> str:
    """Write a wheel with nothing but metadata; return the constraint line that names it."""
    stem = provided.name.replace("-", "_")
    path = folder / f"{stem}-{provided.version}-py3-none-any.whl"
    info = f"{stem}-{provided.version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: {provided.name}\nVersion: {provided.version}\n",
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return f"{provided.name} @ {path.as_uri()}\n"


def _prefer(folder: Path, packages: Sequence[LockedPackage]) -> Path:
    """Return where uv is to write; of *packages*, which it finds there, it keeps what fits."""
    output = folder / "pylock.toml"
    if packages:
        output.write_text(dump_pylock(packages), encoding="utf-8")
    return output


def _list_cut_off(request: PipRequest) -> list[str]:
    if request.exclude_newer is None:
        return []
    return ["--exclude-newer", request.exclude_newer.strftime("%Y-%m-%dT%H:%M:%SZ")]


def _list_flags(options: Iterable[str]) -> list[str]:
    flags: list[str] = []
    for option in options:
        flags += _FLAGS.get(option.strip(), ())
        if match := _TRUSTED_HOST.match(option):
            flags += ("--allow-insecure-host", match[1])
    return flags


def _list_options(options: Iterable[str]) -> list[str]:
    return [
        option
        for option in options
        if option.strip() not in _FLAGS and not _TRUSTED_HOST.match(option)
    ]


def _without_dates(data: Any) -> Any:
    """Drop `upload-time`, which is not part of what is locked."""
    if isinstance(data, dict):
        return {key: _without_dates(value) for key, value in data.items() if key != "upload-time"}
    if isinstance(data, list):
        return [_without_dates(value) for value in data]
    return data


def _select(lock: Pylock, request: PipRequest, *, base: Path) -> Iterable[LockedPackage]:
    """Yield what *lock* has for the target, stubs left out; its paths start at *base*."""
    chosen = lock.select(
        environment=describe_environment(request.python_version, request.subdir),
        tags=list_tags(request.python_version, request.subdir, glibc=request.glibc),
    )
    for package, archive in sorted(chosen, key=lambda pair: pair[0].name):
        if isinstance(archive, PackageArchive) and _is_stub(archive, base):
            continue
        if not isinstance(archive, PackageWheel | PackageSdist | PackageArchive):
            if request.leave_out_unhashed:
                continue
            raise EnvsyncError(
                f"pip requirement `{package.name}` can't be locked: it is a folder or a "
                "repository, which has no hash",
                hint="build a wheel of it and name that",
            )
        yield _lock_archive(package, archive, request.subdir, base)


def _is_stub(archive: PackageArchive, base: Path) -> bool:
    return archive.path is not None and (base / archive.path).resolve().parent == base


def _lock_archive(
    package: Package, archive: PackageWheel | PackageSdist | PackageArchive, subdir: str, base: Path
) -> LockedPackage:
    url = archive.url or (base / (archive.path or "")).resolve().as_uri()
    return LockedPackage(
        name=canonicalize_name(package.name),
        version=str(package.version) if package.version else "0",
        manager="pip",
        subdir=subdir,
        url=redact_url(url),
        sha256=archive.hashes.get("sha256"),
    )


def _explain_compile(request: PipRequest, stderr: str) -> EnvsyncError:
    reasons = _list_causes(stderr)
    if _UNSATISFIABLE in stderr:
        return UnsatisfiableError(
            f"No solution for the pip requirements on `{request.subdir}` "
            f"with Python {request.python_version}",
            reasons=reasons,
            hint="relax or drop one of the requirements named above",
        )
    return EnvsyncError(
        "\n".join(("Cannot lock the pip requirements", *(f"  {line}" for line in reasons)))
    )


def _tell(done: process.Completed) -> list[str]:
    return _list_causes(done.stderr) or [f"uv ended with status {done.status}"]


def _list_causes(stderr: str) -> list[str]:
    """Return uv's report without its own labels and without secrets, a line each."""
    lines = (_LABEL.sub("", line).strip() for line in stderr.splitlines())
    return [redact_url(line) for line in lines if line and not line.startswith(_UNSATISFIABLE)]
