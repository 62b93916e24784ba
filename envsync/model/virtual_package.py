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


def _linux(machine: str) -> tuple[VirtualPackage, ...]:
    return (
        VirtualPackage(name="__archspec", version="1", build=machine),
        VirtualPackage(name="__cuda", version="11.4"),
        VirtualPackage(name="__glibc", version="2.28"),
        VirtualPackage(name="__linux", version="5.10"),
        VirtualPackage(name="__unix", version="0"),
    )


def _osx(machine: str) -> tuple[VirtualPackage, ...]:
    return (
        VirtualPackage(name="__archspec", version="1", build=machine),
        VirtualPackage(name="__osx", version="11.0"),
        VirtualPackage(name="__unix", version="0"),
    )


# The defaults of conda-lock 4.0, `default-virtual-packages.yaml`, for other machines.
DEFAULTS: dict[str, tuple[VirtualPackage, ...]] = {
    "linux-64": _linux("x86_64"),
    "linux-aarch64": _linux("aarch64"),
    "linux-ppc64le": _linux("ppc64le"),
    "osx-64": _osx("x86_64"),
    "osx-arm64": _osx("arm64"),
    "win-64": (
        VirtualPackage(name="__archspec", version="1", build="x86_64"),
        VirtualPackage(name="__cuda", version="11.4"),
        VirtualPackage(name="__win", version="0"),
    ),
}
