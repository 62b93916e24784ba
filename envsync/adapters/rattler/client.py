"""What speaks HTTP for rattler."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, NoReturn

from rattler.networking import Client
from rattler.networking.middleware import (
    AddHeadersMiddleware,
    AuthenticationMiddleware,
    GCSMiddleware,
    MirrorMiddleware,
    OciMiddleware,
    RetryMiddleware,
    S3Config,
    S3Middleware,
)

from envsync.adapters.rattler.credentials import expand, with_credentials
from envsync.adapters.rattler.failure import OFFLINE, RETRIES
from envsync.model.channel import redact_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rattler.config import Config

_AUTH_FILE = "RATTLER_AUTH_FILE"
_guard = threading.Lock()


def open_client(config: Config, urls: Iterable[str] = ()) -> Client:
    """Return what speaks HTTP as *config* says, and tries again where that may help.

    It knows the credentials in *urls* and in the mirrors of *config*; the file that they are
    handed over in is gone when it is returned.

    rattler's own client for a configuration looks for credentials before it turns to a mirror,
    so it sends the mirror those of the host in whose place it stands. Here a mirror gets its
    own. That client alone heeds proxies and certificates in *config*, though; the environment
    is heeded by both.
    """
    with with_credentials(config, urls) as knowing:
        return _open(knowing)


def _open(config: Config) -> Client:
    if not config.mirrors or _needs_rattlers_own(config):
        return Client.from_config(config, max_retries=RETRIES)
    mirrors = {
        canonical: [redact_url(expand(mirror)) for mirror in mirrors]
        for canonical, mirrors in config.mirrors.items()
    }
    buckets = {
        name: S3Config(each["endpoint-url"], each["region"], each["addressing-style"])
        for name, each in config.s3_options.items()
    }
    with _credentials_of(config):
        return Client(
            [
                RetryMiddleware(RETRIES),
                MirrorMiddleware(mirrors),
                AuthenticationMiddleware(),
                OciMiddleware(),
                GCSMiddleware(),
                S3Middleware(buckets),
            ]
        )


def open_no_client() -> Client:
    """Return what answers every request with an error, and sends none."""

    def refuse(*_address: str) -> NoReturn:
        raise ConnectionError(OFFLINE)

    return Client([AddHeadersMiddleware(refuse)])


def _needs_rattlers_own(config: Config) -> bool:
    return bool(
        config.proxy_http or config.proxy_https or config.tls_no_verify or config.tls_root_certs
    )


@contextlib.contextmanager
def _credentials_of(config: Config) -> Iterator[None]:
    """Let the middleware that is made now find the store that *config* names, if it does."""
    path = config.authentication_override_file
    if path is None:
        yield
        return
    with _guard:
        before = os.environ.get(_AUTH_FILE)
        os.environ[_AUTH_FILE] = str(path)
        try:
            yield
        finally:
            if before is None:
                del os.environ[_AUTH_FILE]
            else:
                os.environ[_AUTH_FILE] = before
