"""Stand-ins for the engines: small, in memory, and with the real classes' shape."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envsync.errors import UnsatisfiableError
from envsync.model.lockfile import LockedPackage
from envsync.model.virtual_package import VirtualPackage
from envsync.solve.request import PipRequest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envsync.model.progress import Reporter
    from envsync.solve.request import CondaRequest

NEEDS_PYTHON = (("python", ">=3.9"),)


def conda_package(name: str, version: str = "1.0", **changes: object) -> LockedPackage:
    values: dict[str, object] = {
        "name": name,
        "version": version,
        "manager": "conda",
        "subdir": "linux-64",
        "url": f"https://conda.example.org/forge/linux-64/{name}-{version}-0.conda",
        "md5": "0" * 32,
        "sha256": "1" * 64,
        "build": "0",
    }
    return LockedPackage(**{**values, **changes})  # type: ignore[arg-type]


def pip_package(name: str, version: str = "1.0", **changes: object) -> LockedPackage:
    values: dict[str, object] = {
        "name": name,
        "version": version,
        "manager": "pip",
        "subdir": "linux-64",
        "url": f"https://index.example.org/{name}-{version}-py3-none-any.whl",
        "sha256": "2" * 64,
    }
    return LockedPackage(**{**values, **changes})  # type: ignore[arg-type]


def pip_request(directory: Path, *requirements: str, **changes: object) -> PipRequest:
    values: dict[str, object] = {
        "subdir": "linux-64",
        "python_version": "3.11.9",
        "glibc": "2.28",
        "requirements": requirements,
        "options": (),
        "provided": (),
        "directory": directory,
    }
    return PipRequest(**{**values, **changes})  # type: ignore[arg-type]


@dataclass
class FakeCondaSolver:
    """Answers with the packages it was made with whose names were asked for."""

    packages: tuple[LockedPackage, ...] = ()
    requests: list[CondaRequest] = field(default_factory=list)

    def solve(self, request: CondaRequest) -> tuple[LockedPackage, ...]:
        self.requests.append(request)
        names = {spec.split("=")[0] for spec in request.match_specs}
        if missing := names - {package.name for package in self.packages}:
            raise UnsatisfiableError("No solution", reasons=sorted(missing))
        found = (package for package in self.packages if package.name in names)
        return tuple(sorted(found, key=lambda package: package.name))

    def list_names(self, request: CondaRequest) -> frozenset[str]:
        del request
        return frozenset(package.name for package in self.packages)

    def detect_virtual_packages(self) -> tuple[VirtualPackage, ...]:
        return (VirtualPackage(name="__glibc", version="2.36"),)


@dataclass
class FakePipSolver:
    """Answers every request with the packages it was made with, less those that conda brings."""

    packages: tuple[LockedPackage, ...] = ()
    requests: list[PipRequest] = field(default_factory=list)

    def solve(self, request: PipRequest) -> tuple[LockedPackage, ...]:
        self.requests.append(request)
        provided = {distribution.name for distribution in request.provided}
        return tuple(package for package in self.packages if package.name not in provided)


@dataclass
class FakeCondaInstaller:
    """Writes one record for each package, and an interpreter if Python is among them."""

    failure: BaseException | None = None

    def install(
        self,
        packages: Sequence[LockedPackage],
        *,
        target: Path,
        prefix: Path,
        requested: Sequence[str],
        reporter: Reporter,
    ) -> tuple[str, ...]:
        meta = target / "conda-meta"
        meta.mkdir(parents=True)
        for package in packages:
            record = {"name": package.name, "prefix": str(prefix), "requested": list(requested)}
            (meta / f"{package.name}.json").write_text(json.dumps(record))
            reporter.advance()
            if package.name == "python":
                (target / "bin").mkdir()
                (target / "bin" / "python").write_text("#!/bin/sh\n")
        if self.failure is not None:
            raise self.failure
        return ()


@dataclass
class FakePipInstaller:
    """Writes a console script for each package, as uv does, naming the interpreter it saw."""

    def install(self, packages: Sequence[LockedPackage], *, python: Path) -> None:
        site_packages = python.parent.parent / "lib" / "python3.11" / "site-packages"
        for package in packages:
            script = python.parent / package.name
            script.write_text(f"#!{python}\nprint({package.name!r})\n")
            script.chmod(0o755)
            info = site_packages / f"{package.name}-{package.version}.dist-info"
            info.mkdir(parents=True)
            (info / "RECORD").write_text(
                f"../../../bin/{package.name},sha256=old,1\n{info.name}/RECORD,,\n"
            )


@dataclass
class RecordingReporter:
    """Remembers what it was told."""

    steps: list[str] = field(default_factory=list)
    advanced: int = 0
    notes: list[str] = field(default_factory=list)

    def step(self, text: str, *, total: int | None = None) -> None:
        self.steps.append(text if total is None else f"{text} ({total})")

    def advance(self) -> None:
        self.advanced += 1

    def note(self, text: str) -> None:
        self.notes.append(text)
