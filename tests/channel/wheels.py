"""Which wheels the channel needs, and the wheels themselves from the package index."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.tags import Tag, compatible_tags, cpython_tags, platform_tags
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version
from uv import find_uv_bin

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from channel.interpreters import Interpreter


class UnresolvableError(Exception):
    """The package index has no set of wheels that answers to what was asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """One version of one distribution of the package index."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


def resolve(requirements: Iterable[str], interpreter: Interpreter) -> tuple[Release, ...]:
    """Return the releases, dependencies included, that answer to *requirements* together.

    Raises:
        UnresolvableError: there are none for *interpreter*; the text is uv's own.
    """
    command = [
        *(find_uv_bin(), "pip", "compile", "-", "--python", str(interpreter.executable)),
        *("--only-binary", ":all:", "--no-header", "--no-annotate", "--quiet"),
    ]
    lines = "\n".join(sorted(requirements))
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UnresolvableError(done.stderr.strip())
    pinned = re.findall(r"^([A-Za-z0-9][\w.-]*)==([^\s;]+)", done.stdout, re.MULTILINE)
    return tuple(Release(name=canonicalize_name(name), version=found) for name, found in pinned)


def fetch(releases: Iterable[Release], interpreter: Interpreter, wheels: Path) -> list[Path]:
    """Return one wheel in *wheels* per release, downloading those that aren't there yet."""
    wanted = tuple(dict.fromkeys(releases))
    tags = _tags(interpreter)
    missing = [release for release in wanted if _find(release, tags, wheels) is None]
    while missing:  # one download holds one version of each distribution
        batch = {release.name: release for release in missing}
        _download(list(batch.values()), interpreter, wheels)
        missing = [release for release in missing if release not in batch.values()]
    found = [(release, _find(release, tags, wheels)) for release in wanted]
    absent = [str(release) for release, path in found if path is None]
    if absent:
        message = f"No wheel for Python {interpreter.minor}: {', '.join(absent)}"
        raise UnresolvableError(message)
    return [path for _, path in found if path is not None]


def _download(releases: list[Release], interpreter: Interpreter, wheels: Path) -> None:
    """Leave it to pip, which is set up for the index, proxies and certificates of its user."""
    if importlib.util.find_spec("pip") is None:
        message = f"`pip` is missing from {sys.executable}, and the embedded channel needs it"
        raise RuntimeError(message)
    wheels.mkdir(parents=True, exist_ok=True)
    digits = interpreter.minor.replace(".", "")
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
        *("--only-binary", ":all:", "--dest", str(wheels)),
        *("--python-version", interpreter.version, "--implementation", "cp"),
        *(f"--abi={abi}" for abi in (f"cp{digits}", f"cp{digits}m", "abi3", "none")),
        *(f"--platform={name}" for name in (*platform_tags(), "any")),
        *map(str, releases),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise UnresolvableError("\n".join(errors))


def _tags(interpreter: Interpreter) -> dict[Tag, int]:
    version = tuple(int(part) for part in interpreter.minor.split("."))
    platforms = list(platform_tags())
    ordered = [
        *cpython_tags(version, platforms=platforms),
        *compatible_tags(version, f"cp{interpreter.minor.replace('.', '')}", platforms),
    ]
    return {tag: rank for rank, tag in enumerate(ordered)}


def _find(release: Release, tags: dict[Tag, int], wheels: Path) -> Path | None:
    ranked: list[tuple[int, Path]] = []
    for path in wheels.glob("*.whl"):
        name, version, _, offered = parse_wheel_filename(path.name)
        if name == release.name and version == Version(release.version):
            ranked += [(tags[tag], path) for tag in offered if tag in tags]
    return min(ranked)[1] if ranked else None
