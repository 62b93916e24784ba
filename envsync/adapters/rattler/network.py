"""What rattler's configuration says of the network, for those who don't read it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from envsync.adapters.rattler.patience import find_timeout
from envsync.model.network import Network

if TYPE_CHECKING:
    from rattler.config import Config


def find_network(config: Config) -> Network:
    """Return what *config* says of proxies and certificates.

    Raises:
        DefinitionError: `$ENVSYNC_TIMEOUT` is no number of seconds.
    """
    return Network(
        http_proxy=config.proxy_http,
        https_proxy=config.proxy_https,
        direct_hosts=tuple(config.proxy_non_proxy_hosts or ()),
        trusts_any_host=bool(config.tls_no_verify),
        timeout=find_timeout(),
    )


def find_proxy(config: Config, url: str) -> str | None:
    """Return the proxy by which *url* is asked for, by the environment or else by *config*."""
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415  # for errors alone

    parts = urlsplit(url)
    known = getproxies()
    proxy = known.get(parts.scheme) or known.get("all")
    if proxy is not None:
        return None if proxy_bypass(parts.netloc) else proxy
    if parts.hostname in (config.proxy_non_proxy_hosts or ()):
        return None
    return {"http": config.proxy_http, "https": config.proxy_https}.get(parts.scheme)
