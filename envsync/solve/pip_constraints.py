"""Which Python distributions a conda solution brings, and what pip may not ask on top of it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from envsync.errors import UnsatisfiableError
from envsync.solve.request import PythonDistribution

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envsync.model.lockfile import LockedPackage

# Where conda's name is not PyPI's, for packages that bring that distribution's metadata.
_PYPI_NAMES = {
    "brotli-python": "brotli",
    "dask-core": "dask",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "py-opencv": "opencv-python",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost",
    "py-xgboost-gpu": "xgboost",
    "pyqt": "pyqt5",
    "pytables": "tables",
    "python-graphviz": "graphviz",
    "python-tzdata": "tzdata",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "ruamel_yaml": "ruamel.yaml",
    "seaborn-base": "seaborn",
    "tensorflow-base": "tensorflow",
}

_NEEDED_BY_PYTHON_PACKAGES = {"python", "python_abi"}


def find_distributions(packages: Iterable[LockedPackage]) -> tuple[PythonDistribution, ...]:
    """Return what the conda *packages* bring of PyPI's distributions, sorted by name.

    A package counts if it depends on Python; one whose version is no PEP 440 version is left
    out, since pip could not compare it.
    """
    found: dict[str, str] = {}
    for package in packages:
        if not any(name in _NEEDED_BY_PYTHON_PACKAGES for name, _ in package.dependencies):
            continue
        with contextlib.suppress(InvalidVersion):
            name = canonicalize_name(_PYPI_NAMES.get(package.name, package.name))
            found[name] = str(Version(package.version))
    return tuple(PythonDistribution(name=name, version=found[name]) for name in sorted(found))


def check_requirements(
    requirements: Sequence[str], provided: Sequence[PythonDistribution], *, source: str
) -> None:
    """Refuse pip *requirements* that what conda provides can't satisfy.

    Raises:
        UnsatisfiableError: it names both sides of each contradiction.
    """
    versions = {distribution.name: distribution.version for distribution in provided}
    contradictions = []
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue  # a path or a URL: the solver will say more of it than we could
        version = versions.get(canonicalize_name(requirement.name))
        if version is not None and not requirement.specifier.contains(version, prereleases=True):
            contradictions.append((text, f"{requirement.name} {version}"))
    if contradictions:
        raise UnsatisfiableError(
            "The pip requirements contradict the conda packages",
            reasons=[
                f"`{text}` is requested under `pip:` in `{source}`, conda provides `{brought}`"
                for text, brought in contradictions
            ],
            hint="change one of the two, or leave the package to conda alone",
        )
