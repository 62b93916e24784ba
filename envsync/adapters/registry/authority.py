"""Logging in to a registry, with a password or with a token from its token service."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import requests

from envsync.adapters.registry.address import Origin, parse_origin
from envsync.adapters.registry.body import LARGEST_TOKEN, clean, parse_json, read_body
from envsync.adapters.registry.failure import (
    explain,
    explain_busy,
    explain_refusal,
    explain_unreachable,
)
from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envsync.adapters.registry.credentials import Credentials
    from envsync.adapters.registry.transport import Transport

_CHALLENGE = re.compile(
    r'(?P<key>[\w-]+)[ \t]*=[ \t]*(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s,"]+))|(?P<kind>[\w-]+)'
)
_LONGEST_CHALLENGE = 16 << 10
_TOKEN = re.compile(r"[\x21-\x7e]{1,65536}")
_BUSY_SECONDS = 1.0


class Authority:
    """Answers the challenges of *registry* with *credentials*.

    They are sent to the registry and, as Docker does, to the token service that it names. Both
    must use https, except on this machine. The target of a redirect gets no credentials, whatever
    it asks for.
    """

    def __init__(
        self,
        registry: str,
        credentials: Credentials,
        *,
        transport: Transport,
        seconds: float,
    ) -> None:
        self._registry = registry
        self._credentials = credentials
        self._transport = transport
        self._seconds = seconds
        self._authorization = ""
        self._home: Origin | None = None

    def list_headers(self, url: str) -> dict[str, str]:
        """Return the headers to log in at *url*; none for another host."""
        if not self._authorization or parse_origin(url) != self._home:
            return {}
        return {"Authorization": self._authorization}

    def accept(self, answer: requests.Response, home: Origin) -> bool:
        """Answer the challenge in *answer*; return whether there is a new login to try.

        A challenge that is not from *home*, the registry itself, is ignored.

        Raises:
            EnvsyncError: the token service refuses, is busy, or can't be reached.
        """
        if parse_origin(answer.url) != home:
            return False
        challenges = parse_challenges(answer.headers.get("WWW-Authenticate", ""))
        before = self._authorization
        known = self._credentials
        bearer = challenges.get("bearer", {})
        if bearer.get("realm"):
            self._authorization = f"Bearer {self._get_token(bearer, home)}"
        elif "basic" in challenges and known.username:
            self._authorization = _encode_pair(known)
        self._home = home
        return self._authorization != before

    def _get_token(self, challenge: Mapping[str, str], home: Origin) -> str:
        origin = self._check_realm(challenge["realm"], home)
        try:
            answer = self._ask(challenge, origin)
        except requests.RequestException as error:
            raise explain_unreachable(self._registry, error, seconds=self._seconds) from error
        with answer:
            if answer.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
                raise explain_refusal(self._registry, answer, self._credentials.username)
            if answer.status_code == requests.codes.too_many:
                raise explain_busy(self._registry, answer, _BUSY_SECONDS)
            if answer.status_code != requests.codes.ok:
                raise explain(self._registry, answer, "asked for a token")
            return self._read_token(answer)

    def _check_realm(self, realm: str, home: Origin) -> Origin:
        try:
            origin = parse_origin(realm)
        except ValueError as error:
            raise EnvsyncError(
                f"Registry `{self._registry}` names a token service with a wrong address: "
                f"`{clean(realm.rpartition('@')[2])}`",
                hint="the registry is misconfigured or malicious; nothing was sent",
            ) from error
        if not home.may_lead_to(origin):
            raise EnvsyncError(
                f"Registry `{self._registry}` names the token service `{origin}`, "
                "which is not encrypted",
                hint="its token service must have an https address; no password was sent",
            )
        return origin

    def _read_token(self, answer: requests.Response) -> str:
        try:
            content = parse_json(read_body(answer, most=LARGEST_TOKEN, seconds=self._seconds))
        except (requests.RequestException, ValueError) as error:
            raise explain_unreachable(self._registry, error, seconds=self._seconds) from error
        found = content if isinstance(content, dict) else {}
        token = found.get("token") or found.get("access_token")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise explain(self._registry, answer, "asked for a token")
        return token

    def _ask(self, challenge: Mapping[str, str], origin: Origin) -> requests.Response:
        asked = {key: challenge[key] for key in ("service", "scope") if key in challenge}
        known = self._credentials
        if known.identity_token:
            form = {"grant_type": "refresh_token", "refresh_token": known.identity_token}
            # Its redirect is not followed, as that would pass on the form.
            return self._transport.send(
                "POST", challenge["realm"], data={**form, **asked, "client_id": "envsync"}
            )
        headers = {"Authorization": _encode_pair(known)} if known.username else {}
        # Several repositories, as for a mount, need one `scope` each.
        params = [("service", asked[key]) for key in asked if key == "service"]
        params += [("scope", one) for one in asked.get("scope", "").split()]

        def list_headers(url: str) -> dict[str, str]:
            return headers if parse_origin(url) == origin else {}

        return self._transport.get("GET", challenge["realm"], list_headers, params=params)


def parse_challenges(text: str) -> dict[str, dict[str, str]]:
    """Return the challenges of a `WWW-Authenticate` header: parameters by scheme.

    Of two equal schemes or parameters, the first one counts.
    """
    found: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for match in _CHALLENGE.finditer(text[:_LONGEST_CHALLENGE]):
        if match["kind"]:
            current = {}
            found.setdefault(match["kind"].lower(), current)
        else:
            current.setdefault(match["key"].lower(), match["quoted"] or match["bare"] or "")
    return found


def _encode_pair(known: Credentials) -> str:
    pair = f"{known.username}:{known.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"
