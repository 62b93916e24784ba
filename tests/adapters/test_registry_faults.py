from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from email.utils import formatdate
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from support.fakes import RecordingReporter
from support.servers.registries import make_certificate, run_registry, run_scripted, why_not

from envsync.adapters.registry import RegistrySource, push
from envsync.adapters.registry.client import RegistryClient
from envsync.adapters.registry.credentials import Credentials
from envsync.errors import EnvsyncError
from envsync.image.formats.manifest import MANIFEST, describe_bytes
from envsync.model.image import Layer, parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from envsync.adapters.registry import Pushed

_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
_DIGEST = describe_bytes(b"packed", _GZIP).digest
_UPLOADS = "/v2/team/d/blobs/uploads/"
_BLOB = f"/v2/team/d/blobs/{_DIGEST}"
_TAG = "/v2/team/d/manifests/1"

Answer = tuple[int, "Mapping[str, str]", bytes]


class OneLayer:
    """A layer that another repository got before."""

    def __init__(self, folder: Path, *, neighbour: str | None = None) -> None:
        self._file = folder / "layer"
        self._file.write_bytes(b"packed")
        self._known = {_DIGEST: neighbour} if neighbour else {}

    def provide_compressed(self, layers: Sequence[Layer]) -> None:
        del layers

    def list_repositories(self, registry: str) -> dict[str, str]:
        del registry
        return self._known

    def note_repository(self, registry: str, repository: str, digests: Iterable[str]) -> None:
        del registry, repository, digests

    def path(self, digest: str) -> Path:
        del digest
        return self._file


def _push(address: str, provider: OneLayer) -> Pushed:
    layer = Layer(diff_id=_DIGEST, size=6, digest=_DIGEST, media_type=_GZIP, compressed_size=6)
    return push(
        parse_reference(f"{address}/team/d:1"),
        b"{}",
        [layer],
        provider=provider,
        base=None,
        reporter=RecordingReporter(),
    )


def _take(method: str) -> Answer:
    """Answer as a registry that has nothing and takes all."""
    if method == "POST":
        return 202, {"Location": f"{_UPLOADS}one"}, b""
    return (201, {}, b"") if method == "PUT" else (404, {}, b"")


@contextlib.contextmanager
def _client(address: str, known: Credentials) -> Iterator[RegistryClient]:
    client = RegistryClient(address, known, read_seconds=5)
    with contextlib.closing(client):
        yield client


@contextlib.contextmanager
def _source(name: str) -> Iterator[RegistrySource]:
    source = RegistrySource(parse_reference(name), architecture="amd64")
    with contextlib.closing(source):
        yield source


@pytest.mark.parametrize(
    "headers", [{"Retry-After": "0"}, {"Retry-After": formatdate(0, usegmt=True)}]
)
def test_what_a_busy_registry_did_not_take_is_given_again(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    def answer(method: str, path: str, earlier: int) -> Answer:
        del path
        return (429, headers, b"") if method == "PUT" and not earlier else _take(method)

    with run_scripted(answer) as scripted:
        pushed = _push(scripted.address, OneLayer(tmp_path))

    puts = [it.partition("?")[0] for it in scripted.requests if it.startswith("PUT")]
    assert (pushed.changed, pushed.sent) == (True, 1)
    assert puts == [f"PUT {_UPLOADS}one"] * 4 + [f"PUT {_TAG}"] * 2  # a layer and a config first


def test_a_registry_that_stays_busy_while_it_is_given_something_is_said(tmp_path: Path) -> None:
    def answer(method: str, path: str, earlier: int) -> Answer:
        del earlier
        if method == "PUT" and path == _TAG:
            return 503, {"Retry-After": "0"}, b'{"errors": [{"message": "come back"}]}'
        return _take(method)

    with run_scripted(answer) as scripted, pytest.raises(EnvsyncError) as caught:
        _push(scripted.address, OneLayer(tmp_path))

    assert caught.value.message == (
        f"Registry `{scripted.address}` answered 503 repeatedly: come back"
    )
    assert caught.value.hint is not None


def test_a_layer_that_may_not_be_mounted_is_sent(tmp_path: Path) -> None:
    def answer(method: str, path: str, earlier: int) -> Answer:
        del earlier
        return (403, {}, b"") if "mount=" in path else _take(method)

    with run_scripted(answer) as scripted:
        pushed = _push(scripted.address, OneLayer(tmp_path, neighbour="closed/d"))

    assert any("from=closed%2Fd" in it for it in scripted.requests)
    assert pushed.sent == 1


def test_a_token_is_asked_for_each_repository_by_itself() -> None:
    scopes = "repository:team/d:pull,push repository:other/d:pull"

    def answer(method: str, path: str, earlier: int) -> Answer:
        del method
        if path.startswith("/token"):
            return 200, {}, b'{"token": "let-me-in"}'
        challenge = f'Bearer realm="http://{scripted.address}/token",scope="{scopes}"'
        return (200, {}, b"") if earlier else (401, {"WWW-Authenticate": challenge}, b"")

    with (
        run_scripted(answer) as scripted,
        _client(scripted.address, Credentials(username="me", password="secret")) as client,  # noqa: S106
    ):
        client.request("GET", "x").close()

    asked = next(it for it in scripted.requests if "/token" in it)
    assert asked.count("scope=") == 2
    basic = f"Basic {base64.b64encode(b'me:secret').decode()}"
    assert scripted.authorizations[-3:] == [None, basic, "Bearer let-me-in"]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (429, "has had too many requests for now"),
        (500, "asked for a token, answered 500: "),
        (403, "refuses anonymous access: "),
    ],
)
def test_who_gives_no_token_is_named(status: int, words: str) -> None:
    def answer(method: str, path: str, earlier: int) -> Answer:
        del method, earlier
        if path.startswith("/token"):
            return status, {}, b"{}"
        challenge = f'Bearer realm="http://{scripted.address}/token"'
        return 401, {"WWW-Authenticate": challenge}, b""

    with (
        run_scripted(answer) as scripted,
        _client(scripted.address, Credentials()) as client,
        pytest.raises(EnvsyncError) as caught,
    ):
        client.request("GET", "x")

    assert words in caught.value.message
    assert caught.value.hint is not None


def test_another_host_that_takes_a_layer_is_not_told_the_password() -> None:
    def store(method: str, path: str, earlier: int) -> Answer:
        del path, earlier
        return _take(method)

    def answer(method: str, path: str, earlier: int) -> Answer:
        del path
        if not earlier and method == "HEAD":
            return 401, {"WWW-Authenticate": 'Basic realm="x"'}, b""
        if method == "POST":
            return 202, {"Location": f"http://{elsewhere.address}/upload"}, b""
        return _take(method)

    with run_scripted(store) as elsewhere, run_scripted(answer) as scripted:
        known = Credentials(username="me", password="secret")  # noqa: S106
        with _client(scripted.address, known) as client:
            client.request("HEAD", "x").close()
            with client.request("POST", "team/d/blobs/uploads/") as begun:
                place = begun.headers["Location"]
            client.request("PUT", place, open_body=lambda: BytesIO(b"x")).close()

    assert scripted.authorizations[-1] is not None
    assert elsewhere.authorizations == [None]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"schemaVersion": 1, "fsLayers": []}',
        b'{"config": {"mediaType": "x", "digest": "x", "size": 1}}',
        b'{"config": 7, "layers": 7}',
        b'{"manifests": [{"platform": "linux"}]}',
    ],
)
def test_what_is_no_image_is_an_error_and_no_crash(content: bytes) -> None:
    def answer(method: str, path: str, earlier: int) -> Answer:
        del method, earlier
        return 200, {"Content-Type": MANIFEST}, content if "/manifests/" in path else b"junk"

    with (
        run_scripted(answer) as scripted,
        _source(f"{scripted.address}/x:1") as source,
        pytest.raises(EnvsyncError),
    ):
        source.load()


@pytest.mark.parametrize(
    "config", [b"[]", b"{}", b'{"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": 1}}']
)
def test_a_config_that_is_none_is_an_error_and_no_crash(config: bytes) -> None:
    part = describe_bytes(config, "application/vnd.oci.image.config.v1+json")
    described = {"mediaType": part.media_type, "digest": part.digest, "size": part.size}
    manifest = json.dumps({"config": described, "layers": []}).encode()

    def answer(method: str, path: str, earlier: int) -> Answer:
        del method, earlier
        return 200, {"Content-Type": MANIFEST}, manifest if "/manifests/" in path else config

    with (
        run_scripted(answer) as scripted,
        _source(f"{scripted.address}/x:1") as source,
        pytest.raises(EnvsyncError, match="that is not an image") as caught,
    ):
        source.load()

    assert caught.value.hint is not None


def test_half_a_manifest_is_said() -> None:
    def answer(method: str, path: str, earlier: int) -> Answer:
        del method, path, earlier
        return 200, {"Content-Length": "100", "Content-Type": MANIFEST}, b"{"

    with (
        run_scripted(answer) as scripted,
        _source(f"{scripted.address}/x:1") as source,
        pytest.raises(EnvsyncError, match="Cannot reach the registry"),
    ):
        source.load()


def test_a_manifest_that_breaks_off_is_read_again() -> None:
    config = json.dumps(
        {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": []}}
    ).encode()
    digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
    part = {"mediaType": "m", "digest": digest, "size": len(config)}
    manifest = json.dumps({"config": part, "layers": []}).encode()

    def answer(method: str, path: str, earlier: int) -> Answer:
        del method
        if "/manifests/" not in path:
            return 200, {}, config
        given = manifest if earlier else manifest[:20]
        return 200, {"Content-Length": str(len(manifest)), "Content-Type": MANIFEST}, given

    with run_scripted(answer) as scripted, _source(f"{scripted.address}/x:1") as source:
        assert source.load().id == digest


@pytest.mark.slow
def test_an_authority_of_dockers_own_configuration_is_trusted(
    tmp_path: Path, private_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if lack := why_not():
        pytest.skip(lack)
    certificate = make_certificate(tmp_path / "certificate")
    other = make_certificate(tmp_path / "other")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other[0]))
    with run_registry(tmp_path / "registry", certificate=certificate) as address:
        with _source(f"{address}/x:1") as source, pytest.raises(EnvsyncError) as unknown:
            source.load()
        own = private_home / ".config/docker/certs.d" / address
        own.mkdir(parents=True)
        (own / "ca.crt").write_bytes(certificate[0].read_bytes())
        pushed = _push(address, OneLayer(tmp_path))

    assert unknown.value.hint == (
        f"put its authority's certificate at `/etc/docker/certs.d/{address}/ca.crt`"
    )
    assert pushed.changed
