"""Virtual packages: facts about a machine that packages may depend on (CEP 30)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class VirtualPackage:
    """One fact, such as `__glibc=2.28=0`."""

    name: str
    version: str
    build: str = "0"

    def __str__(self) -> str:
        return f"{self.name}={self.version}={self.build}"


def _list(machine: str, **versions: str) -> tuple[VirtualPackage, ...]:
    facts = (VirtualPackage(name=f"__{name}", version=versions[name]) for name in versions)
    return (VirtualPackage(name="__archspec", version="1", build=machine), *facts)


_LINUX = {"cuda": "11.4", "glibc": "2.28", "linux": "5.10", "unix": "0"}
_OSX = {"osx": "11.0", "unix": "0"}

# The defaults of conda-lock 4.0, `default-virtual-packages.yaml`, for other machines.
DEFAULTS: dict[str, tuple[VirtualPackage, ...]] = {
    "linux-64": _list("x86_64", **_LINUX),
    "linux-aarch64": _list("aarch64", **_LINUX),
    "linux-ppc64le": _list("ppc64le", **_LINUX),
    "osx-64": _list("x86_64", **_OSX),
    "osx-arm64": _list("arm64", **_OSX),
    "win-64": _list("x86_64", cuda="11.4", win="0"),
}
