"""Requests to one registry: authenticated, repeated where that helps, and never for ever."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import os
import re
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from envsync.errors import EnvsyncError
from envsync.model.image import DEFAULT_REGISTRY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envsync.adapters.registry.credentials import Credentials

_DOCKER_HUB = "registry-1.docker.io"
_CERTIFICATES = Path("/etc/docker/certs.d")
_CONNECT_SECONDS, READ_SECONDS = 10, 60
_TRIES = 4
_LONGEST_WAIT = 30
_TOO_MANY = 429
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404
_PASSING = frozenset({408, _TOO_MANY, 500, 502, 503, 504})
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


class RegistryClient:
    """Talks to *registry* as *credentials* say; *read_seconds* is how long silence may last."""

    def __init__(
        self, registry: str, credentials: Credentials, *, read_seconds: float = READ_SECONDS
    ) -> None:
        self._registry = registry
        self._credentials = credentials
        self._timeout = (min(_CONNECT_SECONDS, read_seconds), read_seconds)
        self._session = requests.Session()
        self._session.verify = _find_authority(registry)
        self._authorization = ""
        self._root = ""

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

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

        *open_body* gives what to send, and such a request is not repeated, as the registry may
        have taken a part of it. The answer's content is not read yet, and its status is the
        caller's to judge, but for those that mean that the registry refuses or is busy.

        Raises:
            EnvsyncError: the registry can't be reached, refuses, or is busy for too long.
        """
        url = urljoin(self._find_root(), path)
        tries = 1 if open_body is not None else _TRIES
        challenges = 2  # one for who asks, one for a token that has run out
        while True:
            tries -= 1
            try:
                answer = self._send(method, url, headers, params, open_body)
            except requests.RequestException as error:
                tries -= isinstance(error, requests.Timeout)  # which took long enough
                if tries <= 0 or _is_hopeless(error):
                    raise self._explain_unreachable(error) from error
                time.sleep(_wait(None, _TRIES - tries))
                continue
            if answer.status_code == _UNAUTHORIZED and challenges and self._authorize(answer):
                tries, challenges = tries + 1, challenges - 1
            elif answer.status_code not in _PASSING or tries <= 0:
                return self._check(answer)
            else:
                time.sleep(_wait(answer.headers.get("Retry-After"), _TRIES - tries))
            answer.close()  # its content was not read, so its connection is of no more use

    def download(self, path: str, consume: Callable[[IO[bytes]], None]) -> None:
        """Give the bytes at *path* to *consume* as a stream, again from the start if it breaks.

        Raises:
            EnvsyncError: they are not there, or the registry can't be reached for long.
        """
        for tries_left in reversed(range(_TRIES)):
            with self.request("GET", path) as answer:
                if not answer.ok:
                    raise self.explain(answer, "asked for a layer")
                try:
                    return consume(cast("IO[bytes]", answer.raw))
                except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                    if not tries_left:
                        raise self._explain_unreachable(error) from error
        return None

    def explain(self, answer: requests.Response, what: str) -> EnvsyncError:
        """Return the error that tells why the registry did not do *what*."""
        return EnvsyncError(
            f"Registry `{self._registry}`, {what}, answered {answer.status_code}: {_tell(answer)}"
        )

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        params: Mapping[str, str] | None,
        open_body: Callable[[], IO[bytes]] | None,
    ) -> requests.Response:
        sent = dict(headers or {})
        if self._authorization:
            sent["Authorization"] = self._authorization
        with contextlib.ExitStack() as stack:
            return self._session.request(
                method,
                url,
                headers=sent,
                params=params,
                data=stack.enter_context(open_body()) if open_body is not None else None,
                timeout=self._timeout,
                stream=True,
                allow_redirects=method in ("GET", "HEAD"),
            )

    def _find_root(self) -> str:
        """Return the registry's address: by https, or plainly where it is this very machine."""
        if self._root:
            return self._root
        host = _DOCKER_HUB if self._registry == DEFAULT_REGISTRY else self._registry
        self._root = f"https://{host}/v2/"
        if _is_loopback(host) and not self._speaks_tls(host):
            self._root = f"http://{host}/v2/"
        return self._root

    def _speaks_tls(self, host: str) -> bool:
        try:
            self._session.get(f"https://{host}/v2/", timeout=self._timeout).close()
        except requests.RequestException as error:
            return "CERTIFICATE_VERIFY_FAILED" in str(error)
        return True

    def _authorize(self, answer: requests.Response) -> bool:
        """Take up the challenge in *answer*; return False where there is nothing new to say."""
        kind, _, rest = answer.headers.get("WWW-Authenticate", "").partition(" ")
        challenge = dict(_CHALLENGE.findall(rest))
        before = self._authorization
        known = self._credentials
        if kind.lower() == "basic" and known.username:
            pair = f"{known.username}:{known.password}".encode()
            self._authorization = f"Basic {base64.b64encode(pair).decode()}"
        elif kind.lower() == "bearer" and challenge.get("realm"):
            self._authorization = f"Bearer {self._get_token(challenge)}"
        return self._authorization != before

    def _get_token(self, challenge: Mapping[str, str]) -> str:
        asked = {key: challenge[key] for key in ("service", "scope") if key in challenge}
        known = self._credentials
        try:
            if known.identity_token:
                form = {"grant_type": "refresh_token", "refresh_token": known.identity_token}
                answer = self._session.post(
                    challenge["realm"],
                    data={**form, **asked, "client_id": "envsync"},
                    timeout=self._timeout,
                )
            else:
                user = (known.username, known.password) if known.username else None
                answer = self._session.get(
                    challenge["realm"], params=asked, auth=user, timeout=self._timeout
                )
            content = answer.json() if answer.ok else {}
        except (requests.RequestException, ValueError) as error:
            raise self._explain_unreachable(error) from error
        if answer.status_code in (_UNAUTHORIZED, _FORBIDDEN):
            raise self._refuse(answer)
        return str(content.get("token") or content.get("access_token") or "")

    def _check(self, answer: requests.Response) -> requests.Response:
        if answer.status_code in (_UNAUTHORIZED, _FORBIDDEN):
            raise self._refuse(answer)
        if answer.status_code == _TOO_MANY:
            answer.close()
            raise EnvsyncError(
                f"Registry `{self._registry}` has had too many requests for now",
                hint="wait, or `docker login` to it: it may allow its users more",
            )
        if answer.status_code in _PASSING:
            raise self.explain(answer, f"asked {_TRIES} times")
        return answer

    def _refuse(self, answer: requests.Response) -> EnvsyncError:
        user = self._credentials.username
        whom = f"user `{user}`" if user else "whoever does not log in"
        return EnvsyncError(
            f"Registry `{self._registry}` refuses {whom}: {_tell(answer)}",
            hint=f"run `docker login {self._registry}` as one who may",
        )

    def _explain_unreachable(self, error: Exception) -> EnvsyncError:
        if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
            reason = f"no answer within {self._timeout[1]:g} seconds"
        else:
            reason = _find_cause(error)
        return EnvsyncError(
            f"Cannot reach the registry `{self._registry}`: {reason}",
            hint="check its name, the network, and `HTTPS_PROXY`",
        )


def _find_authority(registry: str) -> str | bool:
    """Return the file of certificates to trust for *registry*, or True for the usual ones."""
    own = _CERTIFICATES / registry / "ca.crt"
    if own.is_file():
        return str(own)
    if os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE"):
        return True  # which the library reads itself
    return os.environ.get("SSL_CERT_FILE") or True


def _is_loopback(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _wait(asked: str | None, tries: int) -> float:
    """Return how many seconds to wait: what was *asked* for, else more with each try."""
    wanted = float(asked) if asked and asked.isdigit() else 0.5 * 2**tries
    return min(wanted, _LONGEST_WAIT)


def _tell(answer: requests.Response) -> str:
    """Return the registry's own reason, as the distribution protocol words it."""
    try:
        errors = answer.json()["errors"]
        return "; ".join(str(it.get("message") or it.get("code")) for it in errors) or "no reason"
    except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError):
        return answer.reason or "no reason"


def _is_hopeless(error: BaseException) -> bool:
    """Say whether there is nobody to ask, or nobody to trust."""
    text = str(error)
    is_nobody = "NewConnectionError" in text or "NameResolutionError" in text
    return is_nobody or isinstance(error, requests.exceptions.SSLError)


def _find_cause(error: BaseException) -> str:
    """Return the innermost reason in a chain of wrapped errors."""
    cause: BaseException = error
    while True:
        inner = getattr(cause, "reason", None) or cause.__cause__ or cause.__context__
        inner = inner or next((it for it in cause.args if isinstance(it, BaseException)), None)
        if not isinstance(inner, BaseException):
            break
        cause = inner
    return str(getattr(cause, "strerror", None) or cause)
