"""Conda subdirs and the OCI platforms for the same machines."""

from __future__ import annotations

import platform
import sys

KNOWN_SUBDIRS = (
    "linux-64",
    "linux-aarch64",
    "linux-ppc64le",
    "osx-64",
    "osx-arm64",
    "win-64",
)

_OCI = {
    ("linux", "amd64"): "linux-64",
    ("linux", "x86_64"): "linux-64",
    ("linux", "arm64"): "linux-aarch64",
    ("linux", "aarch64"): "linux-aarch64",
    ("linux", "ppc64le"): "linux-ppc64le",
    ("windows", "amd64"): "win-64",
    ("osx", "amd64"): "osx-64",
    ("osx", "arm64"): "osx-arm64",
}

_SYSTEMS = {"linux": "linux", "darwin": "osx", "win32": "windows"}


def find_subdir(os: str, architecture: str) -> str | None:
    """Return the subdir of the OCI platform *os*/*architecture*, None if conda has none."""
    return _OCI.get((os.lower(), architecture.lower()))


def current_subdir() -> str | None:
    """Return this machine's subdir, None if conda has none."""
    machine = platform.machine().lower()
    return find_subdir(_SYSTEMS.get(sys.platform, ""), "amd64" if machine == "x86_64" else machine)
