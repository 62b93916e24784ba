"""Single HTTP requests that carry no cookies or credentials of their own."""

from __future__ import annotations

import contextlib
import socket
import threading
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.connection import HTTPConnection, HTTPSConnection

from envsync.adapters.registry.address import parse_origin, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 10  # as many as Docker follows
_HEAD_SECONDS = 60.0


class AddressError(requests.RequestException):
    """An answer leads to an address that is not allowed."""


class _Nobody(AuthBase):
    """Adds no login, so that requests takes none from `.netrc` or an address."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return *request* as it is."""
        return request


class _Session(requests.Session):
    def get_redirect_target(self, resp: Any) -> None:
        """Return None: `Transport` checks redirects before it follows them."""
        del resp


class Transport:
    """Sends requests; an answer's head, and a small body, may take *timeout*'s second number.

    It uses the environment's proxies and certificates, and no cookies.
    """

    def __init__(self, *, verify: str | bool, timeout: tuple[float, float]) -> None:
        self._verify = verify
        self._timeout = timeout
        self._session = _Session()
        self._session.auth = _Nobody()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["Accept-Encoding"] = "identity"
        self._session.mount("https://", _Adapter())
        self._session.mount("http://", _Adapter())

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def send(self, method: str, url: str, **content: Any) -> requests.Response:
        """Send one request without following redirects or reading the answer's body.

        Raises:
            requests.RequestException: there is no answer, or *url* is not an address.
        """
        try:
            parse_origin(url)
            return self._session.request(
                method,
                url,
                timeout=self._timeout,
                verify=self._verify,  # or requests would prefer the environment's
                stream=True,
                allow_redirects=False,
                **content,
            )
        except (ValueError, urllib3.exceptions.HTTPError) as error:
            if isinstance(error, requests.RequestException):
                raise
            raise AddressError(str(error)) from error

    def get(
        self,
        method: str,
        url: str,
        list_headers: Callable[[str], Mapping[str, str]],
        *,
        params: Any = None,
    ) -> requests.Response:
        """Send a request and follow redirects; *list_headers* has the headers for each address.

        Raises:
            requests.RequestException: there is no answer, or a redirect is not allowed.
        """
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self.send(method, url, headers=list_headers(url), params=params)
            location = answer.headers.get("Location")
            if answer.status_code not in _REDIRECTS or not location:
                return answer
            answer.close()
            url, params = follow(answer, location), None
        raise AddressError(f"it redirects more than {_MOST_REDIRECTS} times")


def follow(answer: requests.Response, location: str) -> str:
    """Return the absolute address of *location* in *answer*.

    Raises:
        AddressError: it is not an address, or not allowed from there.
    """
    try:
        url = resolve(answer.url, location)
    except ValueError as error:
        raise AddressError("it leads to something that is not an address") from error
    check_step(answer.url, url)
    return url


def check_step(here: str, there: str) -> None:
    """Check that an answer from the address *here* may lead to *there*.

    Raises:
        AddressError: it may not, or one of them is not an address.
    """
    try:
        origin, target = parse_origin(here), parse_origin(there)
    except ValueError as error:
        raise AddressError("it leads to something that is not an address") from error
    if not origin.may_lead_to(target):
        raise AddressError(f"it leads from `{origin}` to `{target}`, which is not encrypted")


@contextlib.contextmanager
def cut_after(seconds: float, connected: socket.socket | None) -> Iterator[None]:
    """Close the connection if the block takes longer than *seconds* in all.

    Raises:
        TimeoutError: it did.
    """
    is_cut = threading.Event()

    def cut() -> None:
        is_cut.set()
        if connected is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connected, socket.SHUT_RDWR)  # below TLS, if there is any

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if is_cut.is_set():
            raise TimeoutError("it takes too long") from error
        raise
    finally:
        timer.cancel()
    if is_cut.is_set():
        raise TimeoutError("it takes too long")


def find_socket(answer: requests.Response) -> socket.socket | None:
    """Return the socket that the content of *answer* comes from."""
    found: socket.socket | None = getattr(answer.raw, "envsync_socket", None)
    return found


def _get_response(connection: Any, answer: Callable[[], urllib3.HTTPResponse]) -> Any:
    """Return what *answer* reads from *connection*, and attach its socket."""
    connected = connection.sock
    seconds = connection.timeout if isinstance(connection.timeout, int | float) else _HEAD_SECONDS
    with cut_after(seconds, connected):
        found: Any = answer()
    found.envsync_socket = connected
    return found


class _Plain(HTTPConnection):
    def getresponse(self) -> Any:
        return _get_response(self, super().getresponse)


class _Tls(HTTPSConnection):
    def getresponse(self) -> Any:
        return _get_response(self, super().getresponse)


class _Adapter(HTTPAdapter):
    """Provides connections that limit how long the head of an answer may take."""

    def get_connection_with_tls_context(self, *args: Any, **more: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **more)
        pool.ConnectionCls = _Tls if pool.scheme == "https" else _Plain
        return pool
