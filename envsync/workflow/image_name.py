"""What the name of an image may be: a path on this machine, or a reference."""

from __future__ import annotations

from pathlib import Path

PATH_PREFIXES = ("oci:", "docker-archive:")
_PATH_STARTS = (*PATH_PREFIXES, ".", "/", "~")


def find_path(name: str) -> Path | None:
    """Return the path that *name* is, if it is one and no image reference."""
    for prefix in PATH_PREFIXES:
        if name.startswith(prefix):
            return Path(name.removeprefix(prefix))
    path = Path(name).expanduser()
    return path if looks_like_path(name) or path.exists() else None


def looks_like_path(name: str) -> bool:
    """Say whether *name* is a path by its looks, whatever there is on this machine."""
    return name.startswith(_PATH_STARTS) or name.endswith(".tar")
