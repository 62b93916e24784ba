"""Settings of the network that come from configuration files."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """A proxy for each URL scheme, and the read timeout in seconds.

    *direct_hosts* are reached without a proxy. With *trusts_any_host* certificates are not
    verified.
    """

    http_proxy: str | None = None
    https_proxy: str | None = None
    direct_hosts: tuple[str, ...] = ()
    trusts_any_host: bool = False
    timeout: float = 20.0

    def list_variables(self) -> dict[str, str]:
        """Return the proxies as the usual environment variables."""
        found = {
            "HTTP_PROXY": self.http_proxy,
            "HTTPS_PROXY": self.https_proxy,
            "NO_PROXY": ",".join(self.direct_hosts),
        }
        return {name: value for name, value in found.items() if value}
