"""Whose requests are answered: those that name this server's host, from no page of another site.

A web page can lead its own name to this machine (DNS rebinding), or just send requests here. In
the first case the Host is that name. In the second the browser says `cross-site`, but for a
WebSocket, and in an old browser, it says only which Origin the page has. A redirect or a prefetch
can also open an address here that counts as typed by the user (`none`, in Fetch Metadata).
"""

import re

from ..protocol import messages
from .http.response_writer import error_reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from .http.request_parser import Head
    from .http.response_writer import Reply

ANY = "*"
LOOPBACK = "loopback"
_MISDIRECTED = 421
_FORBIDDEN = 403
_PORT = re.compile(r":[0-9]*\Z")
_OWN_IPV4 = re.compile(r"127(\.[0-9]{1,3}){1,3}\Z")
_OWN_IPV6 = re.compile(r"(0*:)*:?0*1\Z|::ffff:127(\.[0-9]{1,3}){3}\Z")
_ORIGIN = re.compile(r"https?://([a-z0-9_.:\[\]-]+)\Z", re.IGNORECASE)
_PURPOSES = ("sec-purpose", "purpose", "x-purpose", "x-moz")
_GUESSES = ("prefetch", "prerender", "preview")
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
        message = self._objection(head, path_runs)
        return None if message is None else error_reply(_FORBIDDEN, message)

    def _objection(self, head: "Head", path_runs: bool) -> "str | None":  # noqa: FBT001  # one call
        """Return why a browser's *head* is refused, None if it is not."""
        fields = head.fields
        if path_runs and _wants_web_socket(fields):
            return messages.NO_WEB_SOCKETS
        if self._is_welcome(fields.get("origin", "")):
            return None
        if "cross-site" not in fields.get("sec-fetch-site", "").lower():
            return messages.FETCHED_AHEAD if path_runs and _is_guess(fields) else None
        is_navigation = fields.get("sec-fetch-mode", "").lower() == "navigate"
        if is_navigation and not path_runs and head.method in ("GET", "HEAD"):
            return None  # somebody follows a link, and no page gets to see the answer
        return messages.CROSS_SITE

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
        host = _host_of(origin)
        return bool(host) and self._is_given(host.strip("[]"))


def _host_of(origin: str) -> str:
    """Return the host of a page's *origin*, "" where it has none, as `null` has."""
    parts = _ORIGIN.match(origin)
    return _PORT.sub("", parts.group(1)) if parts else ""


def _wants_web_socket(fields: "Mapping[str, str]") -> bool:
    """Say whether this is to become a WebSocket; other upgrades are offers to be ignored.

    Clients send those with each request, such as Java's for HTTP/2 (RFC 9110, section 7.8).
    """
    return "sec-websocket-key" in fields or "websocket" in fields.get("upgrade", "").lower()


def _is_guess(fields: "Mapping[str, str]") -> bool:
    """Say whether the browser asks ahead, since its user might come here."""
    purposes = [fields.get(name, "").lower() for name in _PURPOSES]
    return any(guess in purpose for purpose in purposes for guess in _GUESSES)


def _is_own(host: str) -> bool:
    """Say whether *host* is this machine itself, whoever asks (RFC 6761, section 6.3)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return bool(_OWN_IPV4.match(host) or (":" in host and _OWN_IPV6.match(host)))
