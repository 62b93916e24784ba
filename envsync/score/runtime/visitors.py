"""Whose requests are answered: those that name this server's host, from no page of another site.

A web page can lead its own name to this machine (DNS rebinding), or just send requests here. In
the first case the Host is that name, in the second the browser says `cross-site`.
"""

import re

from . import messages
from .response_writer import error_reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from .request_parser import Head
    from .response_writer import Reply

ANY = "*"
LOOPBACK = "loopback"
_MISDIRECTED = 421
_FORBIDDEN = 403
_PORT = re.compile(r":[0-9]*\Z")
_OWN_IPV4 = re.compile(r"127(\.[0-9]{1,3}){1,3}\Z")
_OWN_IPV6 = re.compile(r"(0*:)*:?0*1\Z|::ffff:127(\.[0-9]{1,3}){3}\Z")
_ORIGIN = re.compile(r"https?://", re.IGNORECASE)
_MOST_KNOWN = 64


class Visitors:
    """Knows which *hosts* a request may name, and which *origins* a page that sends one may have.

    `loopback` among the hosts stands for this machine's own names, `*.example.com` for all names
    below that one, and `*` alone lets everybody in.
    """

    def __init__(self, hosts: "Sequence[str]", origins: "Sequence[str]") -> None:
        self.takes_all = ANY in hosts
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origin.lower() for origin in origins)
        self._known = set()  # type: set[str]

    def refusal(self, head: "Head", path_runs: bool) -> "Reply | None":  # noqa: FBT001  # one call
        """Return how *head* is refused, None if it is not; *path_runs* if the script answers."""
        fields = head.fields
        host = fields.get("host")
        if host not in self._known and host and not self._is_known(host):
            return error_reply(_MISDIRECTED, messages.MISDIRECTED)
        if head.target[:1] != "/" and not self._names_us(head.target):
            return error_reply(_MISDIRECTED, messages.MISDIRECTED)
        site = fields.get("sec-fetch-site")
        if site is None or "cross-site" not in site.lower():
            return None
        if self._is_welcome(fields.get("origin", "")):
            return None
        is_navigation = fields.get("sec-fetch-mode", "").lower() == "navigate"
        if is_navigation and not path_runs and head.method in ("GET", "HEAD"):
            return None  # somebody follows a link, and no page gets to see the answer
        return error_reply(_FORBIDDEN, messages.CROSS_SITE)

    def _is_known(self, authority: str) -> bool:
        if not self._allows(_PORT.sub("", authority)):
            return False
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known.add(authority)
        return True

    def _names_us(self, target: str) -> bool:
        """Say whether *target*, which has no path alone, names a host of ours (RFC 9112, 3.2)."""
        scheme, mark, rest = target.partition("://")
        if not mark or "/" in scheme or "?" in scheme:
            return True  # `*`, or nothing that is found
        return self._is_known(rest.partition("/")[0].partition("?")[0])

    def _allows(self, host: str) -> bool:
        host = host.lower()
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif host.endswith("."):
            host = host[:-1]
        if LOOPBACK in self._hosts and _is_own(host):
            return True
        return self._is_given(host)

    def _is_given(self, host: str) -> bool:
        if host != LOOPBACK and host in self._hosts:
            return True
        labels = host.split(".")
        above = (".".join(labels[at:]) for at in range(1, len(labels)))
        return any("*." + name in self._hosts for name in above)

    def _is_welcome(self, origin: str) -> bool:
        """Say whether a page of *origin* may send requests, as CORS or the hosts have it."""
        origin = origin.lower()
        if ANY in self._origins or (origin and origin in self._origins):
            return True
        scheme = _ORIGIN.match(origin)
        host = _PORT.sub("", origin[scheme.end() :]) if scheme else ""
        return bool(host) and self._is_given(host.strip("[]"))


def _is_own(host: str) -> bool:
    """Say whether *host* is this machine itself, whoever asks (RFC 6761, section 6.3)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return bool(_OWN_IPV4.match(host) or (":" in host and _OWN_IPV6.match(host)))
