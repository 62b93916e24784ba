"""What the name of an image may be: a path on this machine, or a reference."""

from __future__ import annotations

from pathlib import Path

from envsync.model.image import PATH_PREFIXES, looks_like_path, parse_reference


def find_path(name: str) -> Path | None:
    """Return the path that *name* is, if it is one and no image reference."""
    for prefix in PATH_PREFIXES:
        if name.startswith(prefix):
            return Path(name.removeprefix(prefix))
    path = Path(name).expanduser()
    return path if looks_like_path(name) or path.exists() else None


def check_image_name(name: str) -> None:
    """Refuse *name* where it is neither a path nor an image reference.

    Raises:
        DefinitionError: it is neither.
    """
    if find_path(name) is None:
        parse_reference(name)
