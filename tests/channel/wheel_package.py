"""A conda package of a wheel."""

from __future__ import annotations

import configparser
import shutil
import zipfile
from dataclasses import dataclass
from email.parser import Parser
from typing import TYPE_CHECKING

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from channel.package import PLACEHOLDER, Recipe, assemble

if TYPE_CHECKING:
    from pathlib import Path

    from channel.interpreters import Interpreter

_SUMMARY = "Stands in for conda-forge's: made of the wheel {wheel}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wheel:
    """What a wheel says about itself."""

    path: Path
    name: str
    version: str
    requires_python: str
    requires: tuple[Requirement, ...]
    console_scripts: tuple[tuple[str, str], ...]
    is_pure: bool

    def depends_on(self, interpreter: Interpreter) -> tuple[str, ...]:
        """Return the match specs of what it needs beside Python itself."""
        environment = default_environment() | {
            "python_version": interpreter.minor,
            "python_full_version": interpreter.version,
            "implementation_version": interpreter.version,
            "extra": "",
        }
        return tuple(
            sorted(
                f"{conda_name(need.name)} {_version_spec(need.specifier)}".strip()
                for need in self.requires
                if need.marker is None or need.marker.evaluate(environment)
            )
        )


def conda_name(distribution: str) -> str:
    """Return the name under which conda-forge has *distribution*."""
    return canonicalize_name(distribution)


def load_wheel(path: Path) -> Wheel:
    """Read the metadata of the wheel at *path*."""
    with zipfile.ZipFile(path) as archive:
        metadata_files = (it for it in archive.namelist() if it.endswith(".dist-info/METADATA"))
        folder = min(metadata_files, key=len).partition("/")[0]  # setuptools carries others within
        metadata = Parser().parsestr(archive.read(f"{folder}/METADATA").decode())
        facts = Parser().parsestr(archive.read(f"{folder}/WHEEL").decode())
        try:
            entry_points = archive.read(f"{folder}/entry_points.txt").decode()
        except KeyError:
            entry_points = ""
    return Wheel(
        path=path,
        name=conda_name(metadata["Name"]),
        version=metadata["Version"],
        requires_python=metadata.get("Requires-Python", ""),
        requires=tuple(Requirement(text) for text in metadata.get_all("Requires-Dist", [])),
        console_scripts=_console_scripts(entry_points),
        is_pure=facts["Root-Is-Purelib"] == "true" and path.name.endswith("-none-any.whl"),
    )


def build_noarch_package(
    wheel: Wheel, depends: tuple[str, ...], channel: Path, scratch: Path
) -> Path:
    """Make the `noarch: python` package of *wheel*; installers write its scripts and bytecode."""
    stage = scratch / f"{wheel.name}-{wheel.version}"
    unpack(wheel, stage, site_packages="site-packages", scripts="python-scripts")
    recipe = Recipe(
        name=wheel.name,
        version=wheel.version,
        build="pyh0_0",
        depends=(f"python {_version_spec(SpecifierSet(wheel.requires_python))}".strip(), *depends),
        noarch=True,
        summary=_SUMMARY.format(wheel=wheel.path.name),
        entry_points=tuple(f"{name} = {target}" for name, target in wheel.console_scripts),
    )
    return assemble(recipe, stage, channel)


def stage_for_python(wheel: Wheel, interpreter: Interpreter, scratch: Path) -> Path:
    """Lay out *wheel* as an environment of *interpreter* has it, and return the folder."""
    stage = scratch / f"{wheel.name}-{wheel.version}-py{interpreter.minor}"
    site_packages = f"lib/python{interpreter.minor}/site-packages"
    unpack(wheel, stage, site_packages=site_packages, scripts="bin")
    for name, target in wheel.console_scripts:
        _write_console_script(stage / "bin" / name, target)
    return stage


def build_python_specific_package(
    wheel: Wheel, interpreter: Interpreter, stage: Path, channel: Path
) -> Path:
    """Make the package of *wheel* for *interpreter* alone, of what lies in *stage*."""
    digits = interpreter.minor.replace(".", "")
    python = f"python >={interpreter.minor},<{interpreter.next_minor}.0a0"
    recipe = Recipe(
        name=wheel.name,
        version=wheel.version,
        build=f"py{digits}h0_0",
        depends=(python, *wheel.depends_on(interpreter)),
        summary=_SUMMARY.format(wheel=wheel.path.name),
    )
    return assemble(recipe, stage, channel)


def unpack(wheel: Wheel, stage: Path, *, site_packages: str, scripts: str) -> None:
    """Lay the files of *wheel* out in *stage*, its `.data` folder included."""
    places = {
        "purelib": site_packages,
        "platlib": site_packages,
        "scripts": scripts,
        "data": ".",
        "headers": f"include/{wheel.name}",
    }
    with zipfile.ZipFile(wheel.path) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            target = stage / _place(member.filename, places, site_packages)
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink)
            is_script = target.parent == stage / scripts
            target.chmod(0o755 if is_script or (member.external_attr >> 16) & 0o111 else 0o644)
            if is_script:
                _fix_first_line(target)
    for folder in (stage / site_packages).glob("*.dist-info"):
        (folder / "INSTALLER").write_text("conda\n", encoding="utf-8")


def _place(name: str, places: dict[str, str], site_packages: str) -> str:
    top, _, rest = name.partition("/")
    if not top.endswith(".data"):
        return f"{site_packages}/{name}"
    kind, _, inner = rest.partition("/")
    return f"{places[kind]}/{inner}"


def _fix_first_line(script: Path) -> None:
    content = script.read_bytes()
    if content.startswith(b"#!python"):
        rest = content.partition(b"\n")[2]
        script.write_bytes(f"#!{PLACEHOLDER}/bin/python\n".encode() + rest)


def _write_console_script(path: Path, target: str) -> None:
    module, _, attribute = (part.strip() for part in target.partition(":"))
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        f"#!{PLACEHOLDER}/bin/python",
        "import sys",
        f"from {module} import {attribute.partition('.')[0]}",
        "if __name__ == '__main__':",
        f"    sys.exit({attribute}())",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.chmod(0o755)


def _console_scripts(text: str) -> tuple[tuple[str, str], ...]:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    parser.read_string(text)
    if not parser.has_section("console_scripts"):
        return ()
    scripts = parser["console_scripts"].items()
    return tuple(sorted((name, target.partition("[")[0].strip()) for name, target in scripts))


def _version_spec(specifiers: SpecifierSet) -> str:
    return ",".join(sorted(str(specifier) for specifier in specifiers))
