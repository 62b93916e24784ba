"""One conda package out of a folder of files, prefix placeholders and entry points declared."""

from __future__ import annotations

import io
import json
import platform
import tarfile
import zipfile
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import rattler_build
import zstandard

# Stands in a package's text files where the prefix will be; installers put the real one there.
PLACEHOLDER = "/opt/envsync_stand_in_channel_" + "_".join(["placehold"] * 12)

_SUBDIRS = {"x86_64": "linux-64", "aarch64": "linux-aarch64"}
_MADE_AT = datetime(2024, 1, 1, tzinfo=timezone.utc)  # a fixed time makes the bytes repeatable


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """What a package says about itself."""

    name: str
    version: str
    build: str
    depends: tuple[str, ...]
    noarch: bool = False
    summary: str = ""
    entry_points: tuple[str, ...] = ()


def machine_subdir() -> str:
    """Return the conda subdir of this machine."""
    machine = platform.machine()
    if machine not in _SUBDIRS:
        message = f"The embedded channel is made for Linux on x86_64 or aarch64, not {machine}"
        raise RuntimeError(message)
    return _SUBDIRS[machine]


def assemble(recipe: Recipe, files: Path, channel: Path) -> Path:
    """Make the package that *recipe* names of *files*, in its subdir of *channel*.

    Text files that mention `PLACEHOLDER` are declared as such.
    """
    subdir = "noarch" if recipe.noarch else machine_subdir()
    directory = channel / subdir
    directory.mkdir(parents=True, exist_ok=True)
    made = rattler_build.assemble_package(
        recipe.name,
        recipe.version,
        subdir,
        recipe.build,
        directory,
        files_dir=files,
        depends=list(recipe.depends),
        noarch="python" if recipe.noarch else None,
        summary=recipe.summary,
        compression_level=1,
        timestamp=_MADE_AT,
        detect_prefix=False,  # it looks for the folder's own path only; see _declare
    )
    path = Path(made.path)
    placed = _files_with_placeholder(files)
    if placed or recipe.entry_points:
        _declare(path, placed, recipe.entry_points)
    return path


def _files_with_placeholder(files: Path) -> frozenset[str]:
    needle = PLACEHOLDER.encode()
    candidates = [
        *files.glob("bin/*"),
        *files.glob("python-scripts/*"),
        *files.glob("lib/python*/_sysconfigdata*.py"),
    ]
    return frozenset(
        str(path.relative_to(files))
        for path in candidates
        if not path.is_symlink() and needle in path.read_bytes()
    )


def _declare(package: Path, placed: frozenset[str], entry_points: tuple[str, ...]) -> None:
    """Write into *package* what `assemble_package` has no argument for."""
    with zipfile.ZipFile(package) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    info_name = next(name for name in members if name.startswith("info-"))
    members[info_name] = _rewrite_info(members[info_name], placed, entry_points)
    with zipfile.ZipFile(package, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), content)


def _rewrite_info(
    compressed: bytes, placed: frozenset[str], entry_points: tuple[str, ...]
) -> bytes:
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(compressed)
    output = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(plain)) as old,
        tarfile.open(fileobj=output, mode="w") as new,
    ):
        for member in old.getmembers():
            stream = old.extractfile(member)
            content = stream.read() if stream is not None else b""
            if member.name == "info/paths.json":
                content = _with_placeholders(content, placed)
            _add(new, member.name, content)
        if entry_points:
            noarch = {"type": "python", "entry_points": list(entry_points)}
            link = {"noarch": noarch, "package_metadata_version": 1}
            _add(new, "info/link.json", _dump(link))
    return zstandard.ZstdCompressor(level=3).compress(output.getvalue())


def _with_placeholders(content: bytes, placed: frozenset[str]) -> bytes:
    paths = json.loads(content)
    for entry in paths["paths"]:
        if entry["_path"] in placed:
            entry["file_mode"] = "text"
            entry["prefix_placeholder"] = PLACEHOLDER
    return _dump(paths)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = 0o644
    member.mtime = int(_MADE_AT.timestamp())
    archive.addfile(member, io.BytesIO(content))


def _dump(value: Any) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True).encode()
