"""Where rattler's settings and its cache lie."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rattler.config import Config

from envsync.adapters.rattler.failure import last_line
from envsync.errors import DefinitionError


def load_config() -> Config:
    """Return rattler's configuration: `$ENVSYNC_CONFIG`, else the usual places for `envsync`.

    Raises:
        DefinitionError: the file is not there, or says what rattler does not understand.
    """
    named = os.environ.get("ENVSYNC_CONFIG")
    home = os.environ.get("ENVSYNC_HOME")
    if not named and home and (Path(home) / "config.toml").exists():
        named = str(Path(home) / "config.toml")
    try:
        if named:
            return Config.load_from_files([named])
        return Config.load_from_default_locations("envsync")
    except Exception as error:
        place = f" `{named}`" if named else ""
        raise DefinitionError(
            f"Cannot read the configuration{place}: {last_line(error)}",
            hint="it is written as rattler's own `config.toml`, which is pixi's too",
        ) from error


def find_cache(name: str) -> Path | None:
    """Return the folder *name* of `$RATTLER_CACHE_DIR`, None for rattler's usual one.

    rattler's tools heed the variable; py-rattler leaves that to its caller.
    """
    root = os.environ.get("RATTLER_CACHE_DIR")
    return Path(root) / name if root else None


def find_package_cache() -> Path:
    """Return where rattler's tools keep unpacked packages."""
    named = find_cache("pkgs")
    if named is not None:
        return named
    if sys.platform == "darwin":
        caches = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        caches = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    else:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "rattler" / "cache" / "pkgs"
