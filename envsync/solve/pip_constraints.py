"""Which Python distributions a conda solution brings, and what pip may not ask on top of it."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from envsync.definition.requirement.pip_requirement import parse_requirement
from envsync.errors import UnsatisfiableError
from envsync.model.channel import redact_url
from envsync.solve.request import PythonDistribution

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from packaging.markers import Environment

    from envsync.model.lockfile import LockedPackage
    from envsync.model.pip_section import PipRequirement

# Where conda's name is not PyPI's, for packages that bring that distribution's metadata and whose
# channel has no `purls` of them.
_PYPI_NAMES = {
    "brotli-python": "brotli",
    "cupy-core": "cupy",
    "dask-core": "dask",
    "google-cloud-bigquery-core": "google-cloud-bigquery",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "py-opencv": "opencv-python",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost",
    "py-xgboost-gpu": "xgboost",
    "pyarrow-core": "pyarrow",
    "pyqt": "pyqt5",
    "pysoundfile": "soundfile",
    "pytables": "tables",
    "python-duckdb": "duckdb",
    "python-flatbuffers": "flatbuffers",
    "python-graphviz": "graphviz",
    "python-kaleido": "kaleido",
    "python-tzdata": "tzdata",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "ray-core": "ray",
    "ray-default": "ray",
    "ruamel_yaml": "ruamel.yaml",
    "seaborn-base": "seaborn",
    "sentencepiece-python": "sentencepiece",
    "tensorflow-base": "tensorflow",
    "uvicorn-standard": "uvicorn",
}

_PURL = re.compile(r"pkg:pypi/(?P<name>[^@?#]+)(?:@(?P<version>[^?#]+))?")
_NEEDED_BY_PYTHON_PACKAGES = {"python", "python_abi"}


def find_distributions(packages: Iterable[LockedPackage]) -> tuple[PythonDistribution, ...]:
    """Return what the conda *packages* bring of PyPI's distributions, sorted by name.

    What a package says of itself counts most. One that says nothing counts if it depends on
    Python. One whose version is no PEP 440 version is left out, since pip could not compare it.
    """
    found: dict[str, PythonDistribution] = {}
    for package in packages:
        for name, version in _list_distributions(package):
            with contextlib.suppress(InvalidVersion):
                found[name] = PythonDistribution(
                    name=name,
                    version=str(Version(version)),
                    package=package.name if package.name != name else "",
                )
    return tuple(found[name] for name in sorted(found))


def _list_distributions(package: LockedPackage) -> Iterator[tuple[str, str]]:
    """Yield the names and versions of the distributions that *package* brings."""
    if package.purls is not None:
        for purl in package.purls:
            if match := _PURL.match(purl):
                version = unquote(match["version"] or package.version)
                yield canonicalize_name(unquote(match["name"])), version
    elif any(name in _NEEDED_BY_PYTHON_PACKAGES for name, _ in package.dependencies):
        name = _PYPI_NAMES.get(package.name, package.name)
        yield canonicalize_name(name), package.version


def check_requirements(
    requirements: Sequence[str],
    provided: Sequence[PythonDistribution],
    *,
    environment: Environment,
    source: str,
) -> None:
    """Refuse pip *requirements* that what conda provides can't satisfy.

    A requirement whose marker does not hold in *environment* asks for nothing.

    Raises:
        UnsatisfiableError: it names both sides of each contradiction.
    """
    versions = {distribution.name: distribution.version for distribution in provided}
    contradictions = []
    for text in requirements:
        requirement = parse_requirement(text)
        version = versions.get(requirement.name or "")
        if version is None or not applies(requirement, environment):
            continue
        if not _admits(requirement, version):
            contradictions.append((redact_url(text), f"{requirement.name} {version}"))
    if contradictions:
        raise UnsatisfiableError(
            "The pip requirements contradict the conda packages",
            reasons=[
                f"`{text}` is requested under `pip:` in `{source}`, conda provides `{brought}`"
                for text, brought in contradictions
            ],
            hint="change one of the two, or leave the package to conda alone",
        )


def applies(requirement: PipRequirement, environment: Environment) -> bool:
    """Tell whether the marker of *requirement*, if it has one, holds in *environment*."""
    if not requirement.marker:
        return True
    values = {key: str(value) for key, value in environment.items()}
    return Marker(requirement.marker).evaluate({**values, "extra": ""})


def _admits(requirement: PipRequirement, version: str) -> bool:
    """Tell whether an index's *version* is what *requirement* asks for; one of a URL never is."""
    if requirement.url is not None:
        return False
    return SpecifierSet(requirement.specifier).contains(version, prereleases=True)
