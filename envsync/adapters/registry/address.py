"""Addresses that a registry names: parsed strictly, and allowed or not."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

_LONGEST = 16 << 10  # characters: signed addresses of cloud stores have up to 3,000
_UNSAFE = re.compile(r"[^\x21-\x7e]|[\\<>\"`{}|^]")  # programs parse these differently
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """A server: scheme, host and port; another port is another server."""

    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine."""
        return is_loopback(self.host)

    def may_lead_to(self, other: Origin) -> bool:
        """Return whether an answer from here may redirect to *other*.

        Plain http is allowed on this machine alone, and never from https: neither to a cloud's
        `http://169.254.169.254/` nor to a local server. Https may lead anywhere, because registries
        keep layers in other stores, also in private networks. Such a server needs a valid
        certificate, gets no credentials, and its content must have the right hash.
        """
        if other.scheme == "https":
            return True
        return self.scheme == "http" and self.is_loopback and other.is_loopback

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def parse_origin(url: str) -> Origin:
    """Return the server of *url*.

    Raises:
        ValueError: it is not an unambiguous http(s) address, or names a user.
    """
    if len(url) > _LONGEST or _UNSAFE.search(url):
        raise ValueError("an address has up to 16,384 characters, all of them plain ones")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError("an address has a port up to 65535, and closes its brackets") from error
    if parts.scheme not in _PORTS or "@" in parts.netloc or port == 0:
        raise ValueError("an address is `https://HOST[:PORT]/...`, without a user")
    if not _HOST.fullmatch(host):
        raise ValueError("an address names a host")
    return Origin(scheme=parts.scheme, host=host.lower(), port=port or _PORTS[parts.scheme])


def resolve(url: str, location: str) -> str:
    """Return *location*, from an answer of *url*, as an absolute address.

    Raises:
        ValueError: it is not an address.
    """
    if _UNSAFE.search(location):
        raise ValueError("an address has plain characters only")
    return urljoin(url, location)


def is_loopback(host: str) -> bool:
    """Return whether *host*, a name or an IP address, is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
