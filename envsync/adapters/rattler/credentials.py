"""Credentials that a definition's channels carry, handed to rattler for one call."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from rattler.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TOKEN = re.compile(r"/t/(?P<token>[^/]+)")


def expand(url: str) -> str:
    """Return *url* with variables such as `${TOKEN}` taken from this process's environment."""
    return Template(url).safe_substitute(os.environ)


@contextlib.contextmanager
def with_credentials(config: Config, urls: Iterable[str]) -> Iterator[Config]:
    """Give *config*, made to know the credentials in *urls* while it is used.

    They are written to a file that only this user can read, and that is gone afterwards; what
    *config* names as such a file already is kept in it.
    """
    found = dict(pair for url in urls if (pair := _find_credentials(expand(url))) is not None)
    if not found:
        yield config
        return
    with tempfile.TemporaryDirectory(prefix="envsync-") as name:
        path = Path(name) / "credentials.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps({**_read_known(config), **found}), encoding="utf-8")
        knowing = Config.from_toml(config.to_toml())
        knowing.set("authentication-override-file", str(path))
        yield knowing


def _find_credentials(url: str) -> tuple[str, dict[str, Any]] | None:
    """Return a host, without its port, and what rattler's authentication file says of it."""
    parts = urlsplit(url)
    if parts.hostname is None:
        return None
    token = _TOKEN.search(parts.path)
    if token is not None:
        return parts.hostname, {"CondaToken": token["token"]}
    if parts.username is None:
        return None
    basic = {"username": unquote(parts.username), "password": unquote(parts.password or "")}
    return parts.hostname, {"BasicHTTP": basic}


def _read_known(config: Config) -> dict[str, Any]:
    path = config.authentication_override_file
    try:
        known = json.loads(path.read_text(encoding="utf-8")) if path is not None else {}
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
