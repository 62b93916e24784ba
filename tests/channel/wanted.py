"""What the definitions in `specs/` ask of conda, as requirements that the package index knows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.version import Version
from ruamel.yaml import YAML

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from channel.interpreters import Interpreter

_CONDA_SPEC = re.compile(r"(?:[\w./-]+::)?(?P<name>[\w.-]+)\s*(?P<version>[^\s].*)?")
_COMPARISON = re.compile(r"(?:[<>]=?|[=!~]=)\s*[\w.*+!-]+")

# What tests and small definitions use beside what `specs/` asks for.
USUAL = ("joblib", "numpy", "pip", "requests", "scikit-learn", "scipy", "setuptools", "wheel")
# Two versions of small packages, so that there is something to update and to pin.
PINNED = ("click==8.1.7", "click==8.1.8", "packaging==24.2", "six==1.16.0", "six==1.17.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What one definition asks of conda."""

    name: str
    python: str
    requirements: tuple[str, ...]

    def is_met_by(self, interpreter: Interpreter) -> bool:
        """Say whether the pin on Python admits *interpreter*."""
        return SpecifierSet(self.python).contains(Version(interpreter.version))


def read_wanted(specs: Path) -> tuple[Wanted, ...]:
    """Return what each definition below *specs* asks for, in the order of their names."""
    return tuple(_read(path) for path in sorted(specs.glob("*/conda_dependencies.yml")))


def to_specifier(version: str) -> str:
    """Return the index's way to say what conda's *version* says; unknown forms say nothing.

    `=1.26` and `1.26` mean any 1.26 to conda, `==1.26` exactly that; a build is left out.
    """
    if version.startswith("=="):
        return "==" + version[2:].partition("=")[0]
    if re.match(r"=?\d", version):
        return f"=={re.split('[= ]', version.lstrip('='))[0].rstrip('*').rstrip('.')}.*"
    parts = [_COMPARISON.fullmatch(part.strip()) for part in version.split(",")]
    return ",".join(part[0] for part in parts if part)


def _read(path: Path) -> Wanted:
    loaded = YAML(typ="safe").load(path)
    asked = dict(_split(loaded.get("dependencies") or []))
    python = asked.pop("python", "")
    return Wanted(
        name=path.parent.name,
        python=python,
        requirements=tuple(f"{name}{specifier}" for name, specifier in sorted(asked.items())),
    )


def _split(dependencies: Iterable[object]) -> Iterable[tuple[str, str]]:
    for item in dependencies:
        found = _CONDA_SPEC.fullmatch(item) if isinstance(item, str) else None
        if found is not None:
            version = found["version"]
            yield found["name"].lower(), to_specifier(version) if version else ""
