"""The Python that packages are chosen for: its wheel tags and its marker environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.markers import Environment

_MACHINES = {
    "linux-64": "x86_64",
    "linux-aarch64": "aarch64",
    "linux-ppc64le": "ppc64le",
    "osx-64": "x86_64",
    "osx-arm64": "arm64",
    "win-64": "AMD64",
}
_LEGACY_MANYLINUX = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
_OLDEST_GLIBC = {"x86_64": 5}
_MACOS = (11, 0)  # conda-lock's own assumption for osx


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonTarget:
    """CPython *version* on *subdir*, whose C library is *glibc* where it has that one."""

    version: str
    subdir: str
    glibc: str | None

    @property
    def minor(self) -> str:
        """The version without what makes no difference to packages, such as `3.11`."""
        return ".".join(self.version.split(".")[:2])


def write_marker(subdir: str) -> str:
    """Return the marker of PEP 508 that holds on the machines of *subdir*, and on no others."""
    values = describe_environment("3", subdir)
    return (
        f"sys_platform == '{values['sys_platform']}' and "
        f"platform_machine == '{values['platform_machine']}'"
    )


def list_tags(python_version: str, subdir: str, *, glibc: str | None) -> tuple[Tag, ...]:
    """Return the wheel tags that CPython *python_version* takes on *subdir*, best first."""
    version = tuple(int(part) for part in python_version.split(".")[:2])
    platforms = list(_list_platforms(subdir, glibc))
    interpreter = f"cp{version[0]}{version[1]}"
    return (
        *cpython_tags(python_version=version, platforms=platforms),
        *compatible_tags(python_version=version, interpreter=interpreter, platforms=platforms),
    )


def describe_environment(python_version: str, subdir: str) -> Environment:
    """Return the values of PEP 508's markers for CPython *python_version* on *subdir*."""
    family = subdir.partition("-")[0]
    minor = ".".join(python_version.split(".")[:2])
    return {
        "implementation_name": "cpython",
        "implementation_version": python_version,
        "os_name": "nt" if family == "win" else "posix",
        "platform_machine": _MACHINES[subdir],
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": {"linux": "Linux", "osx": "Darwin", "win": "Windows"}[family],
        "platform_version": "",
        "python_full_version": python_version,
        "python_version": minor,
        "sys_platform": {"linux": "linux", "osx": "darwin", "win": "win32"}[family],
    }


def _list_platforms(subdir: str, glibc: str | None) -> Iterator[str]:
    machine = _MACHINES[subdir]
    if subdir.startswith("win-"):
        yield "win_amd64"
    elif subdir.startswith("osx-"):
        yield from mac_platforms(_MACOS, machine)
    else:
        newest = int((glibc or "2.17").split(".")[1])
        for minor in range(newest, _OLDEST_GLIBC.get(machine, 17) - 1, -1):
            yield f"manylinux_2_{minor}_{machine}"
            if (2, minor) in _LEGACY_MANYLINUX:
                yield f"{_LEGACY_MANYLINUX[2, minor]}_{machine}"
        yield f"linux_{machine}"
