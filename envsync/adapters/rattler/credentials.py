"""Credentials that a definition's channels carry, handed to rattler for one call."""

from __future__ import annotations

import contextlib
import json
import os
import re
from string import Template
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from rattler.config import Config

from envsync.errors import DefinitionError
from envsync.files import make_temporary
from envsync.model.channel import redact_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ENCODED = re.compile(r"\$%7B(\w+)%7D")
_TOKEN = re.compile(r"/t/(?P<token>[^/]+)")


def expand(url: str) -> str:
    """Return *url* with variables such as `${TOKEN}` taken from this process's environment.

    rattler writes the braces of those in its configuration as `%7B` and `%7D`.
    """
    text = _ENCODED.sub(r"${\1}", url)
    return Template(text).safe_substitute(os.environ)


def without_credentials(url: str) -> str:
    """Return *url* with its variables expanded, and without the credentials that these were."""
    expanded = expand(url)
    return redact_url(expanded) if _find_credentials(expanded) is not None else url


def has_credentials(urls: Iterable[str]) -> bool:
    """Tell whether there are credentials in one of *urls*."""
    return any(_find_credentials(expand(url)) is not None for url in urls)


@contextlib.contextmanager
def with_credentials(config: Config, urls: Iterable[str]) -> Iterator[Config]:
    """Give *config*, made to know the credentials in *urls* and its mirrors while it is used.

    They are written to a file that only this user can read, and that is gone afterwards; what
    *config* names as such a file already is kept in it.

    Raises:
        DefinitionError: two addresses on one host have different ones; rattler takes one a host.
    """
    mirrors = (url for urls in config.mirrors.values() for url in urls)
    found = _collect((*urls, *mirrors))
    if not found:
        yield config
        return
    with make_temporary() as folder:
        path = folder / "credentials.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps({**_read_known(config), **found}), encoding="utf-8")
        knowing = Config.from_toml(config.to_toml())
        knowing.set("authentication-override-file", str(path))
        yield knowing


def _collect(urls: Iterable[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for url in urls:
        pair = _find_credentials(expand(url))
        if pair is None:
            continue
        host, credentials = pair
        if found.setdefault(host, credentials) != credentials:
            raise DefinitionError(
                f"Two channels on `{host}` have different credentials",
                hint="give both the same ones, or name one by another host with `[mirrors]`",
            )
    return found


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
