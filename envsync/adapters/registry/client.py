"""Requests to one registry: authenticated, retried where that helps, and limited in time."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import requests
import urllib3
from urllib3.util.retry import Retry

from envsync.adapters.registry.address import parse_origin, resolve
from envsync.adapters.registry.authority import Authority
from envsync.adapters.registry.body import LimitedStream, read_body
from envsync.adapters.registry.failure import (
    explain,
    explain_busy,
    explain_refusal,
    explain_unreachable,
    hides_authority,
    is_hopeless,
)
from envsync.adapters.registry.transport import AddressError, Transport, check_step, follow
from envsync.model.image import DEFAULT_REGISTRY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envsync.adapters.registry.credentials import Credentials
    from envsync.errors import EnvsyncError

_DOCKER_HUB = "registry-1.docker.io"
_CERTIFICATES = ("~/.config/docker/certs.d", "/etc/docker/certs.d")
_CONNECT_SECONDS, READ_SECONDS = 10, 60
_TRIES = 4
_SHORTEST_WAIT, _LONGEST_WAIT = 1.0, 30  # seconds
# The redirects and logins of a request are this module's, and bodies of answers stay unread: so
# the library counts tries and times them, and doesn't send anything by itself.
_RETRIES = Retry(_TRIES - 1, backoff_factor=1, backoff_max=_LONGEST_WAIT)
_ONCE = Retry(0)
_NO_TIME = (IndexError, OverflowError, TypeError, ValueError)  # of a date that makes no sense
_TOO_MANY = 429
_UNAUTHORIZED, _FORBIDDEN = 401, 403
_PASSING = frozenset({408, _TOO_MANY, 500, 502, 503, 504})


class RegistryClient:
    """Talks to *registry* with *credentials*; silence may last *read_seconds*."""

    def __init__(
        self, registry: str, credentials: Credentials, *, read_seconds: float = READ_SECONDS
    ) -> None:
        self._registry = registry
        self._credentials = credentials
        self._timeout = (min(_CONNECT_SECONDS, read_seconds), read_seconds)
        self._transport = Transport(verify=_find_authority(registry), timeout=self._timeout)
        self._authority = Authority(
            registry, credentials, transport=self._transport, seconds=read_seconds
        )
        self._root = ""

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        open_body: Callable[[], IO[bytes]] | None = None,
    ) -> requests.Response:
        """Send a request to *path*, or to an address that the registry gave, and return the answer.

        *open_body* opens what to send; such a request is not retried, as the registry may have
        taken a part of it. The answer's content is not read yet. The caller judges its status,
        except for those that mean that the registry refuses or is busy.

        Raises:
            RegistryBusyError: the registry stays busy, or is busy and there was a body.
            EnvsyncError: the registry can't be reached, or refuses.
        """
        url = self._resolve(path)
        retries = _ONCE if open_body is not None else _RETRIES
        challenges = 2  # one to log in, one for a token that has expired
        while True:
            try:
                answer = self._send(method, url, headers, params, open_body)
            except requests.RequestException as error:
                retries = self._count_failure(retries, error)
                time.sleep(retries.get_backoff_time())
                continue
            is_challenge = answer.status_code == _UNAUTHORIZED and challenges > 0
            if is_challenge and self._accept(answer):
                challenges -= 1
            elif answer.status_code not in _PASSING:
                return self._check(answer)
            else:
                retries = self._count_busy(retries, answer)
                time.sleep(_find_wait(retries, answer))
            answer.close()  # its content was not read, so the connection can't be used again

    def _count_failure(self, retries: Retry, error: requests.RequestException) -> Retry:
        """Return what is left of *retries* after *error*; a slow timeout counts twice."""
        try:
            if isinstance(error, requests.Timeout):
                retries = retries.increment(error=error)
            if not is_hopeless(error) and not isinstance(error, AddressError):
                return retries.increment(error=error)
        except urllib3.exceptions.MaxRetryError:
            pass
        raise self._explain_unreachable(error) from error

    def _count_busy(self, retries: Retry, answer: requests.Response) -> Retry:
        try:
            return retries.increment(response=answer.raw)
        except urllib3.exceptions.MaxRetryError as error:
            seconds = _find_wait(retries, answer)
            raise explain_busy(self._registry, answer, seconds) from error

    def read(
        self,
        path: str,
        *,
        most: int,
        headers: Mapping[str, str] | None = None,
        judge: Callable[[requests.Response], None],
    ) -> tuple[bytes, str]:
        """Return the bytes at *path* and their media type, retrying if the connection breaks.

        *judge* raises an error for an answer whose body is not the wanted one.

        Raises:
            TooLargeError: there are more than *most*.
            EnvsyncError: the registry can't be reached.
        """
        tries_left = _TRIES
        while True:
            tries_left -= 1
            with self.request("GET", path, headers=headers) as answer:
                judge(answer)
                try:
                    content = read_body(answer, most=most, seconds=self._timeout[1])
                    return content, answer.headers.get("Content-Type", "")
                except requests.RequestException as error:
                    if tries_left == 0 or isinstance(error, requests.Timeout):
                        raise self._explain_unreachable(error) from error

    def download(self, path: str, consume: Callable[[IO[bytes]], None], *, most: int) -> None:
        """Pass the bytes at *path* to *consume* as a stream, from the start again if it breaks.

        Raises:
            TooLargeError: there are more than *most*.
            EnvsyncError: they are missing, or the registry can't be reached.
        """
        for tries_left in reversed(range(_TRIES)):
            with self.request("GET", path) as answer:
                if not answer.ok:
                    raise self.explain(answer, "asked for a layer")
                try:
                    return consume(cast("IO[bytes]", LimitedStream(answer.raw, most)))
                except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                    if not tries_left:
                        raise self._explain_unreachable(error) from error
        return None

    def follow(self, answer: requests.Response, location: str) -> str:
        """Return the absolute address of *location* in *answer*.

        Raises:
            EnvsyncError: it is not an address, or leads from https to http.
        """
        try:
            return follow(answer, location)
        except requests.RequestException as error:
            raise self._explain_unreachable(error) from error

    def explain(self, answer: requests.Response, what: str) -> EnvsyncError:
        """Return the error that says why the registry did not do *what*."""
        return explain(self._registry, answer, what)

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        params: Mapping[str, str] | None,
        open_body: Callable[[], IO[bytes]] | None,
    ) -> requests.Response:
        def list_headers(address: str) -> dict[str, str]:
            return {**(headers or {}), **self._authority.list_headers(address)}

        if method in ("GET", "HEAD"):
            return self._transport.get(method, url, list_headers, params=params)
        with contextlib.ExitStack() as stack:
            return self._transport.send(
                method,
                url,
                headers=list_headers(url),
                params=params,
                data=stack.enter_context(open_body()) if open_body is not None else None,
            )

    def _resolve(self, path: str) -> str:
        """Return the address of *path*, which the registry may have named."""
        root = self._find_root()
        try:
            url = resolve(root, path)
            check_step(root, url)
        except (ValueError, requests.RequestException) as error:
            raise self._explain_unreachable(error) from error
        return url

    def _find_root(self) -> str:
        """Return the registry's address: https, or http where this machine speaks no TLS."""
        if self._root:
            return self._root
        host = _DOCKER_HUB if self._registry == DEFAULT_REGISTRY else self._registry
        root = f"https://{host}/v2/"
        try:
            is_here = parse_origin(root).is_loopback
        except ValueError as error:
            raise self._explain_unreachable(error) from error
        if is_here and not self._speaks_tls(host):
            root = f"http://{host}/v2/"
        self._root = root
        return root

    def _speaks_tls(self, host: str) -> bool:
        try:
            self._transport.send("GET", f"https://{host}/v2/").close()
        except requests.RequestException as error:
            return hides_authority(error)
        return True

    def _accept(self, answer: requests.Response) -> bool:
        """Answer the challenge in *answer*, which is closed if that fails."""
        try:
            return self._authority.accept(answer, parse_origin(self._find_root()))
        except BaseException:
            answer.close()
            raise

    def _check(self, answer: requests.Response) -> requests.Response:
        if answer.status_code in (_UNAUTHORIZED, _FORBIDDEN):
            with answer:
                raise explain_refusal(self._registry, answer, self._credentials.username)
        return answer

    def _explain_unreachable(self, error: Exception) -> EnvsyncError:
        return explain_unreachable(self._registry, error, seconds=self._timeout[1])


def _find_authority(registry: str) -> str | bool:
    """Return the file of certificates to trust for *registry*, or True for the usual ones."""
    for folder in _CERTIFICATES:
        own = Path(folder).expanduser() / registry / "ca.crt"
        if own.is_file():
            return str(own)
    if os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE"):
        return True  # requests reads these itself
    return os.environ.get("SSL_CERT_FILE") or True


def _find_wait(retries: Retry, answer: requests.Response) -> float:
    """Return how many seconds to wait: what *answer* asks for, else more with each try."""
    asked = None
    with contextlib.suppress(urllib3.exceptions.HTTPError, *_NO_TIME):
        asked = retries.get_retry_after(answer.raw)
    if asked is None:
        return max(retries.get_backoff_time(), _SHORTEST_WAIT)
    return min(asked, _LONGEST_WAIT)
