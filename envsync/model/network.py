"""How the network is reached, where a configuration says more than the environment does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """Proxies, by the scheme of what is asked for, and how long a silence is borne, in seconds.

    *direct_hosts* are reached without a proxy. With *trusts_any_host* nobody's certificate is
    looked at.
    """

    http_proxy: str | None = None
    https_proxy: str | None = None
    direct_hosts: tuple[str, ...] = ()
    trusts_any_host: bool = False
    timeout: float = 20.0

    def list_variables(self) -> dict[str, str]:
        """Return the proxies as the environment variables that most programs know."""
        found = {
            "HTTP_PROXY": self.http_proxy,
            "HTTPS_PROXY": self.https_proxy,
            "NO_PROXY": ",".join(self.direct_hosts),
        }
        return {name: value for name, value in found.items() if value}
