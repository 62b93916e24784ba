"""Addresses that a registry names: read strictly, and allowed or not."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

_LONGEST = 16 << 10  # characters: signed addresses of cloud stores have up to 3,000
_UNSAFE = re.compile(r"[^\x21-\x7e]|[\\<>\"`{}|^]")  # programs differ in how they read these
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Who answers at an address; the same name with another port is somebody else."""

    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether it is this very machine."""
        return is_loopback(self.host)

    def may_lead_to(self, other: Origin) -> bool:
        """Say whether an answer from here may send a request to *other*.

        Plain http is for this machine alone, and nothing leads down to it from https: not to
        `http://169.254.169.254/` of a cloud, and not to a server that listens here. Https may
        lead anywhere, as registries keep layers in other stores, in private networks too. Who
        is asked there must have a certificate for the name, gets no credentials, and what it
        gives must have the right hash.
        """
        if other.scheme == "https":
            return True
        return self.scheme == "http" and self.is_loopback and other.is_loopback

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def parse_origin(url: str) -> Origin:
    """Return who answers at *url*.

    Raises:
        ValueError: it is no http(s) address that all programs read alike, or names a user.
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
    """Return the address that *location*, in an answer from *url*, is.

    Raises:
        ValueError: it is none.
    """
    if _UNSAFE.search(location):
        raise ValueError("an address has plain characters only")
    return urljoin(url, location)


def is_loopback(host: str) -> bool:
    """Say whether *host*, a name or an IP address, is this very machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
