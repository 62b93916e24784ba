"""pip packages as a `pylock.toml` (PEP 751), which uv and pip install from."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envsync.model.lockfile import LockedPackage


def dump_pylock(packages: Iterable[LockedPackage]) -> str:
    """Return the pip packages among *packages* as a `pylock.toml`, one archive each."""
    lines = ['lock-version = "1.0"', 'created-by = "envsync"']
    for package in packages:
        if package.manager != "pip":
            continue
        kind = "wheels" if _is_wheel(package.url) else "sdist"
        archive = f'{{ url = "{package.url}", hashes = {{ sha256 = "{package.sha256}" }} }}'
        lines += [
            "",
            "[[packages]]",
            f'name = "{package.name}"',
            f'version = "{package.version}"',
            f"{kind} = [{archive}]" if kind == "wheels" else f"{kind} = {archive}",
        ]
    return "\n".join((*lines, ""))


def _is_wheel(url: str) -> bool:
    return unquote(urlsplit(url).path).endswith(".whl")
