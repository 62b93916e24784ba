"""Secrets arrive where they belong, and nowhere else."""

from __future__ import annotations

import base64
import contextlib
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from support.servers.hostile import Hostile, Reply, Request, serve_hostile
from support.servers.registries import make_certificate

from envsync.adapters.registry import RegistrySource
from envsync.adapters.registry.address import parse_origin
from envsync.adapters.registry.authority import parse_challenges
from envsync.adapters.registry.client import RegistryClient
from envsync.adapters.registry.credentials import Credentials, find_credentials
from envsync.errors import EnvsyncError
from envsync.model.image import parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_USER, _PASSWORD = "planted-user", "planted-password"
_PAIR = base64.b64encode(f"{_USER}:{_PASSWORD}".encode()).decode()
_KNOWN = Credentials(username=_USER, password=_PASSWORD)
_IDENTITY = "planted-identity-token"
_BEARER = "planted-bearer"


def _is_told(server: Hostile) -> bool:
    """Say whether any secret, in any form, reached *server*."""
    secrets = (_PASSWORD, _PAIR, _IDENTITY, _BEARER)
    return any(secret in server.text for secret in secrets)


def _take_all(request: Request) -> Reply:
    del request
    return Reply(201, body=b"{}")


def _challenge(text: str) -> Reply:
    return Reply(401, [("WWW-Authenticate", text)])


def _basic_then(then: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
    """Answer as a registry that wants a password, and then as *then* does."""

    def answer(request: Request) -> Reply:
        return then(request) if request.header("Authorization") else _challenge('Basic realm="x"')

    return answer


def _lead_to(place: Callable[[], str], status: int = 302) -> Callable[[Request], Reply]:
    return lambda request: Reply(status, [("Location", place())])  # noqa: ARG005


@contextlib.contextmanager
def _client(server: Hostile, known: Credentials = _KNOWN) -> Iterator[RegistryClient]:
    with contextlib.closing(RegistryClient(server.address, known, read_seconds=5)) as client:
        yield client


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    made = make_certificate(tmp_path / "certificate")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(made[0]))
    return made


@pytest.fixture
def netrc_file(private_home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.delenv("NETRC", raising=False)

    def write(text: str) -> None:
        (private_home / ".netrc").write_text(text)
        (private_home / ".netrc").chmod(0o600)

    return write


@pytest.mark.parametrize("machine", ["default", "machine 127.0.0.1"])
def test_netrc_is_in_no_bearer_tokens_place(
    netrc_file: Callable[[str], None], machine: str
) -> None:
    netrc_file(f"{machine} login netrc-user password netrc-password\n")
    pair = base64.b64encode(b"netrc-user:netrc-password").decode()

    def answer(request: Request) -> Reply:
        if request.path.startswith("/token"):
            return Reply(body=f'{{"token": "{_BEARER}"}}'.encode())
        if request.header("Authorization") == f"Bearer {_BEARER}":
            return Reply(302, [("Location", f"{store.url}/blob")])
        return _challenge(f'Bearer realm="{server.url}/token"')

    with serve_hostile(_take_all) as store, serve_hostile(answer) as server:
        with _client(server) as client:
            client.request("GET", "x").close()

        assert store.requests
        assert not _is_told(store)
        assert pair not in server.text + store.text


def test_netrc_names_who_to_be_to_the_very_host_that_it_names(
    netrc_file: Callable[[str], None],
) -> None:
    netrc_file(
        "machine registry.example.com login me password here\n"
        "machine localhost:5000 login me password there\n"
        "default login me password everywhere\n"
    )

    assert find_credentials("registry.example.com", None).password == "here"  # noqa: S105
    assert find_credentials("localhost:5000", None).password == "there"  # noqa: S105
    assert find_credentials("registry.example.com:444", None) == Credentials()
    assert find_credentials("docker.io", None) == Credentials()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_who_a_redirect_leads_to_is_told_no_secret(status: int) -> None:
    lead = _basic_then(_lead_to(lambda: f"{other.url}/blob", status))
    with serve_hostile(_take_all) as other, serve_hostile(lead) as server:
        with _client(server) as client:
            client.request("GET", "x").close()

        assert _PAIR in server.text
        assert other.requests
        assert not _is_told(other)
        assert all(it.header("Referer") is None for it in other.requests)


@pytest.mark.parametrize("host", ["localhost", "::1"])
def test_another_name_of_this_machine_is_another_host(host: str) -> None:
    lead = _basic_then(_lead_to(lambda: f"{other.url}/blob"))
    with serve_hostile(_take_all, host=host) as other, serve_hostile(lead) as server:
        with _client(server) as client:
            client.request("GET", "x").close()

        assert other.requests
        assert not _is_told(other)


@pytest.mark.parametrize("kind", ["Basic realm=x", 'Bearer realm="{}/token"'])
def test_a_challenge_from_where_a_redirect_leads_is_not_answered(kind: str) -> None:
    def ask(request: Request) -> Reply:
        del request
        return _challenge(kind.format(other.url))

    lead = _basic_then(_lead_to(lambda: f"{other.url}/blob"))
    with serve_hostile(ask) as other, serve_hostile(lead) as server:
        with _client(server) as client, pytest.raises(EnvsyncError, match="refuses user"):
            client.request("GET", "x")

        assert [it.path for it in other.requests] == ["/blob"] * len(other.requests)
        assert not _is_told(other)


@pytest.mark.parametrize("known", [_KNOWN, Credentials(identity_token=_IDENTITY)])
@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_token_services_redirect_is_told_no_secret(known: Credentials, status: int) -> None:
    def answer(request: Request) -> Reply:
        if request.path.startswith("/token"):
            return Reply(status, [("Location", f"{other.url}/token")])
        return _challenge(f'Bearer realm="{server.url}/token"')

    with serve_hostile(_take_all) as other, serve_hostile(answer) as server:
        with _client(server, known) as client, pytest.raises(EnvsyncError):
            client.request("GET", "x")

        assert _is_told(server)
        assert not _is_told(other)


def test_the_token_service_that_the_registry_names_is_told_the_password() -> None:
    def give(request: Request) -> Reply:
        del request
        return Reply(body=f'{{"token": "{_BEARER}"}}'.encode())

    def answer(request: Request) -> Reply:
        if request.header("Authorization") == f"Bearer {_BEARER}":
            return Reply()
        return _challenge(f'Bearer realm="{service.url}/token",service="s"')

    with serve_hostile(give) as service, serve_hostile(answer) as server:
        with _client(server) as client, client.request("GET", "x") as answered:
            assert answered.status_code == 200

        assert [it.header("Authorization") for it in service.requests] == [f"Basic {_PAIR}"]
        assert _PASSWORD not in server.text
        assert _PAIR not in server.text


@pytest.mark.slow
@pytest.mark.parametrize(
    "realm",
    [
        "http://{plain}/token",
        "https://127.0.0.1@{plain}/token",
        "https://{plain}\\@127.0.0.1/token",
        "ftp://{plain}/token",
        "file:///etc/passwd",
        "//{plain}/token",
        "/token",
        "https://{plain}:99999999/token",
        "https://[/token",
    ],
)
def test_a_token_service_with_a_bad_address_is_told_nothing(
    realm: str, certificate: tuple[Path, Path]
) -> None:
    def answer(request: Request) -> Reply:
        del request
        return _challenge(f'Bearer realm="{realm.format(plain=plain.address)}"')

    with (
        serve_hostile(_take_all) as plain,
        serve_hostile(answer, certificate=certificate) as server,
    ):
        with _client(server) as client, pytest.raises(EnvsyncError, match="token service"):
            client.request("GET", "x")

        assert plain.requests == []
        assert not _is_told(server)


def test_a_loopback_registry_may_not_name_a_plain_token_service_elsewhere() -> None:
    def answer(request: Request) -> Reply:
        del request
        return _challenge('Bearer realm="http://192.0.2.1/token"')

    with (
        serve_hostile(answer) as server,
        _client(server) as client,
        pytest.raises(EnvsyncError, match="which is not encrypted"),
    ):
        client.request("GET", "x")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_nothing_leads_from_https_down_to_http(method: str, certificate: tuple[Path, Path]) -> None:
    lead = _basic_then(_lead_to(lambda: f"http://{plain.address}/x"))
    with (
        serve_hostile(_take_all) as plain,
        serve_hostile(lead, certificate=certificate) as server,
    ):
        with _client(server) as client, pytest.raises(EnvsyncError, match="not encrypted"):
            client.request(method, "x")

        assert plain.requests == []


@pytest.mark.parametrize(
    "place", ["http://169.254.169.254/latest", "file:///etc/passwd", "ftp://127.0.0.1/x"]
)
def test_a_redirect_to_what_no_registry_is_ends_there(place: str) -> None:
    with (
        serve_hostile(_lead_to(lambda: place)) as server,
        _client(server) as client,
        pytest.raises(EnvsyncError, match="it leads"),
    ):
        client.request("GET", "x")

    assert [it.path for it in server.requests] == ["/v2/x"]


def test_redirects_without_an_end_end() -> None:
    with serve_hostile(_lead_to(lambda: "/v2/x")) as server:
        with _client(server) as client, pytest.raises(EnvsyncError, match="more than 10 times"):
            client.request("GET", "x")

        assert len(server.requests) == 11


def test_where_an_upload_is_sent_to_another_host_it_carries_no_secret() -> None:
    def begin(request: Request) -> Reply:
        del request
        return Reply(202, [("Location", f"{other.url}/up"), ("Set-Cookie", "s=planted-bearer")])

    with serve_hostile(_take_all) as other, serve_hostile(_basic_then(begin)) as server:
        with _client(server) as client:
            with client.request("POST", "d/blobs/uploads/") as begun:
                place = client.follow(begun, begun.headers["Location"])
            client.request("PUT", place, open_body=lambda: BytesIO(b"layer")).close()

        assert [it.body for it in other.requests] == [b"layer"]
        assert not _is_told(other)
        assert other.requests[0].header("Cookie") is None


def test_an_upload_does_not_go_from_https_down_to_http(certificate: tuple[Path, Path]) -> None:
    with serve_hostile(_take_all) as plain, serve_hostile(_take_all, certificate=certificate) as it:
        with _client(it) as client, pytest.raises(EnvsyncError, match="not encrypted"):
            client.request("PUT", f"{plain.url}/up", open_body=lambda: BytesIO(b"layer"))

        assert plain.requests == []


def test_cookies_are_neither_kept_nor_sent() -> None:
    def answer(request: Request) -> Reply:
        del request
        return Reply(headers=[("Set-Cookie", "session=1; Path=/")])

    with serve_hostile(answer) as server:
        with _client(server) as client:
            client.request("GET", "x").close()
            client.request("GET", "y").close()

        assert [it.header("Cookie") for it in server.requests] == [None] * len(server.requests)


@pytest.mark.parametrize(
    "url",
    [
        "https://registry.example.com@evil.example/",
        "https://evil.example\\@registry.example.com/",
        "https://registry.example.com\t.evil.example/",
        "https://",
        "https://x:0/",
        "https://x:70000/",
        "https://ex\u00e4mple/",
        "gopher://x/",
        "x",
        "https://x/" + "a" * 20_000,
    ],
)
def test_an_address_that_programs_read_in_two_ways_is_none(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        parse_origin(url)


def test_a_port_is_a_part_of_who_answers() -> None:
    assert parse_origin("https://a/") == parse_origin("https://A:443/x")
    assert parse_origin("https://a/") != parse_origin("https://a:444/")
    assert parse_origin("https://a/") != parse_origin("http://a:443/")


def test_of_two_challenges_of_a_kind_the_first_counts() -> None:
    text = 'Bearer realm="a", scope="x y", Basic realm=b, Bearer realm="c"'

    assert parse_challenges(text) == {
        "bearer": {"realm": "a", "scope": "x y"},
        "basic": {"realm": "b"},
    }


def test_a_port_that_is_none_is_said() -> None:
    source = RegistrySource(parse_reference("localhost:99999/x:1"), architecture="amd64")
    with contextlib.closing(source), pytest.raises(EnvsyncError, match="Cannot reach"):
        source.load()
