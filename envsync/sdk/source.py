"""Load an environment from conda files, requirements files and conda environments on disk."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from envsync import definition as definitions
from envsync.definition.reading.report import Place, Report
from envsync.definition.reading.source_file import read_source
from envsync.definition.reading.yaml_source import finish
from envsync.definition.requirement.pip_line import strip_comment
from envsync.definition.requirement.pip_section import join_lines
from envsync.errors import DefinitionError
from envsync.prefix.location import environment_path, find_home
from envsync.sdk.environment import package_text as texts
from envsync.sdk.environment.conda_dependencies import CondaDependencies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envsync.errors import Finding

    StrPath = str | os.PathLike[str]


class CondaSource(NamedTuple):
    """Conda dependencies, and the directory where their relative paths start."""

    conda: CondaDependencies
    directory: Path
    warnings: tuple[Finding, ...] = ()


def read_conda_specification(path: StrPath) -> CondaSource:
    """Return the packages that the conda environment file *path* asks for, as written.

    Raises:
        DefinitionError: the file is wrong; the error has every finding.
    """
    loaded = definitions.load(Path(path), source_format="environment-yml")
    if loaded.spec.conda is None:
        raise DefinitionError(f"`{path}` is not a conda environment file")
    conda = CondaDependencies.from_spec(loaded.spec.conda)
    return CondaSource(conda, loaded.spec.directory, loaded.warnings)


def read_pip_requirements(path: StrPath, pip_version: str | None = None) -> CondaSource:
    """Return the default Python, pip, and the packages of the requirements file *path*.

    Raises:
        DefinitionError: pip would refuse a line; the error has every finding.
    """
    report = Report(str(path))
    text = read_source(Path(path), report)
    options: list[str] = []
    packages: list[str] = []
    for number, line in join_lines(text):
        bare = strip_comment(line)
        try:
            if bare:
                (options if bare.startswith("-") else packages).append(texts.check_pip_line(bare))
        except DefinitionError as error:
            report.error("", error.message, hint=error.hint, at=Place(number, 1))
    wrong = finish(report)
    if wrong is not None:
        raise wrong
    pip = "pip" if pip_version is None else texts.check_match_spec(f"pip={pip_version}")
    spec = replace(
        CondaDependencies().to_spec(),
        match_specs=(*CondaDependencies().conda_packages, pip),
        pip_options=tuple(options),
        pip_requirements=tuple(packages),
    )
    conda = CondaDependencies.from_spec(spec)
    return CondaSource(conda, Path(path).parent, tuple(report.warnings))


def read_packages(
    specification: StrPath | None, requirements: StrPath | None
) -> CondaSource | None:
    """Return the packages of one of the two files, None if neither is given.

    Raises:
        DefinitionError: both are given, or the file is wrong.
    """
    if specification is not None and requirements is not None:
        message = "`conda_specification` and `pip_requirements` exclude each other"
        raise DefinitionError(message, hint="put the requirements under `pip:`")
    if specification is not None:
        return read_conda_specification(specification)
    return None if requirements is None else read_pip_requirements(requirements)


def find_prefix(named: StrPath) -> Path:
    """Return the path of the conda environment *named*, by its path or the name of its folder.

    A name is searched among the environments of envsync and of conda.

    Raises:
        DefinitionError: there is no such environment, or more than one.
    """
    text = os.fspath(named)
    if not isinstance(named, str) or Path(text).name != text:
        return Path(text)
    found = sorted({path.resolve(): path for path in _list_prefixes(text)}.values())
    if len(found) > 1:
        names = " and ".join(f"`{path}`" for path in found)
        raise DefinitionError(f"{names} are both called `{text}`", hint="give the path of one")
    if not found:
        raise DefinitionError(
            f"There is no conda environment `{text}`", hint="give the path of its folder"
        )
    return found[0]


def _list_prefixes(name: str) -> Iterator[Path]:
    registry = Path.home() / ".conda" / "environments.txt"
    known = registry.read_text(encoding="utf-8").splitlines() if registry.is_file() else []
    own = environment_path(name, find_home())
    for path in (own, *map(Path, known)):
        if path.name == name and (path / "conda-meta").is_dir():
            yield path
