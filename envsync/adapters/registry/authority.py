"""Who to be to a registry: a password, or a token that its authority gives for one."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests

from envsync.adapters.registry.failure import (
    explain,
    explain_busy,
    explain_refusal,
    explain_unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envsync.adapters.registry.credentials import Credentials

_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_BUSY_SECONDS = 1.0


class Authority:
    """Answers the challenges of *registry* with *credentials*."""

    def __init__(
        self,
        registry: str,
        credentials: Credentials,
        *,
        session: requests.Session,
        timeout: tuple[float, float],
    ) -> None:
        self._registry = registry
        self._credentials = credentials
        self._session = session
        self._timeout = timeout
        self._authorization = ""
        self._host = ""

    def list_headers(self, url: str) -> dict[str, str]:
        """Return the headers that show who asks for *url*; another host is shown nothing."""
        if not self._authorization or urlsplit(url).netloc != self._host:
            return {}
        return {"Authorization": self._authorization}

    def accept(self, answer: requests.Response) -> bool:
        """Take up the challenge in *answer*; return False where there is nothing new to say.

        Raises:
            EnvsyncError: who gives tokens refuses, is busy, or can't be reached.
        """
        kind, _, rest = answer.headers.get("WWW-Authenticate", "").partition(" ")
        challenge = dict(_CHALLENGE.findall(rest))
        before = self._authorization
        known = self._credentials
        if kind.lower() == "basic" and known.username:
            pair = f"{known.username}:{known.password}".encode()
            self._authorization = f"Basic {base64.b64encode(pair).decode()}"
        elif kind.lower() == "bearer" and challenge.get("realm"):
            self._authorization = f"Bearer {self._get_token(challenge)}"
        self._host = urlsplit(answer.url).netloc
        return self._authorization != before

    def _get_token(self, challenge: Mapping[str, str]) -> str:
        try:
            answer = self._ask(challenge)
            content = answer.json() if answer.ok else {}
        except (requests.RequestException, ValueError) as error:
            raise explain_unreachable(self._registry, error, seconds=self._timeout[1]) from error
        if answer.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
            raise explain_refusal(self._registry, answer, self._credentials.username)
        if answer.status_code == requests.codes.too_many:
            raise explain_busy(self._registry, answer, _BUSY_SECONDS)
        if not answer.ok or not isinstance(content, dict):
            raise explain(self._registry, answer, "asked for a token")
        return str(content.get("token") or content.get("access_token") or "")

    def _ask(self, challenge: Mapping[str, str]) -> requests.Response:
        asked = {key: challenge[key] for key in ("service", "scope") if key in challenge}
        known = self._credentials
        if known.identity_token:
            form = {"grant_type": "refresh_token", "refresh_token": known.identity_token}
            return self._session.post(
                challenge["realm"],
                data={**form, **asked, "client_id": "envsync"},
                timeout=self._timeout,
            )
        user = (known.username, known.password) if known.username else None
        # Several repositories, as to mount from one into another, are asked for one by one.
        params = [("service", asked[key]) for key in asked if key == "service"]
        params += [("scope", one) for one in asked.get("scope", "").split()]
        return self._session.get(
            challenge["realm"], params=params, auth=user, timeout=self._timeout
        )
