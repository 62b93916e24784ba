from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from support.fakes import RecordingReporter
from support.servers.registries import (
    PASSWORD,
    USER,
    make_certificate,
    run_registry,
    run_scripted,
    why_not,
)

from envsync.adapters.registry import ImageNotFoundError, RegistrySource, push
from envsync.adapters.registry.client import RegistryClient
from envsync.adapters.registry.credentials import Credentials
from envsync.errors import EnvsyncError
from envsync.image.formats.manifest import DOCKER_INDEX, MANIFEST, describe_bytes
from envsync.image.store.blobs import BlobStore
from envsync.model.environment import ImageRegistry
from envsync.model.image import Layer, parse_reference
from envsync.model.text.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from envsync.adapters.registry import Pushed

_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass
class Blobs:
    """Blobs of some layers in a folder; remembers which were asked for."""

    folder: Path
    asked: list[str] = field(default_factory=list)
    repositories: dict[str, str] = field(default_factory=dict)

    def layer(self, name: str) -> Layer:
        plain = name.encode() * 100
        packed = gzip.compress(plain, mtime=0)
        self.path(_digest(packed)).write_bytes(packed)
        return Layer(
            diff_id=_digest(plain),
            size=len(plain),
            digest=_digest(packed),
            media_type=_GZIP,
            compressed_size=len(packed),
        )

    def provide_compressed(self, layers: Sequence[Layer]) -> None:
        self.asked += [layer.digest or "" for layer in layers]

    def list_repositories(self, registry: str) -> dict[str, str]:
        del registry
        return self.repositories

    def note_repository(self, registry: str, repository: str, digests: Iterable[str]) -> None:
        del registry
        self.repositories.update(dict.fromkeys(digests, repository))

    def path(self, digest: str) -> Path:
        return self.folder / digest.partition(":")[2]


def _config(layers: Sequence[Layer], architecture: str = "amd64") -> bytes:
    rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
    config = {"Env": ["PATH=/bin"], "Cmd": ["sh"]}
    facts = {"os": "linux", "architecture": architecture, "config": config, "rootfs": rootfs}
    return json.dumps(facts).encode()


def _push(name: str, layers: Sequence[Layer], blobs: Blobs, base: str | None = None) -> Pushed:
    return push(
        parse_reference(name),
        _config(layers),
        layers,
        provider=blobs,
        base=parse_reference(base) if base else None,
        reporter=RecordingReporter(),
    )


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    folder = tmp_path / "provided"
    folder.mkdir()
    return Blobs(folder)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if lack := why_not():
        pytest.skip(lack)
    with run_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture(scope="module")
def login_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if lack := why_not():
        pytest.skip(lack)
    with run_registry(tmp_path_factory.mktemp("registry"), with_login=True) as address:
        yield address


def test_what_was_pushed_is_read_back(registry: str, blobs: Blobs, tmp_path: Path) -> None:
    layers = [blobs.layer("one"), blobs.layer("two")]
    pushed = _push(f"{registry}/team/a:1", layers, blobs)
    store = BlobStore(tmp_path / "store")
    with _source(f"{registry}/team/a:1") as source:
        image = source.load()
        source.fetch(image.layers, store)
        source.fetch_compressed(image.layers, store)

    assert (pushed.changed, pushed.sent) == (True, 2)
    assert image.digest == pushed.digest
    assert image.id == _digest(_config(layers))
    assert image.settings.environment == ("PATH=/bin",)
    assert [layer.diff_id for layer in image.layers] == [layer.diff_id for layer in layers]
    assert store.path(layers[0].diff_id).read_bytes() == b"one" * 100
    assert store.path(layers[1].digest or "").read_bytes() == gzip.compress(b"two" * 100, mtime=0)


def test_pushing_the_same_again_sends_nothing(registry: str, blobs: Blobs) -> None:
    layers = [blobs.layer("same")]
    first = _push(f"{registry}/team/again:1", layers, blobs)
    blobs.asked.clear()
    second = _push(f"{registry}/team/again:1", layers, blobs)

    assert (second.changed, second.sent, second.digest) == (False, 0, first.digest)
    assert blobs.asked == []


def test_only_the_layer_that_is_not_there_is_sent(registry: str, blobs: Blobs) -> None:
    old, kept, new = blobs.layer("old"), blobs.layer("kept"), blobs.layer("new")
    _push(f"{registry}/team/change:1", [old, kept], blobs)
    blobs.asked.clear()
    pushed = _push(f"{registry}/team/change:1", [new, kept], blobs)

    assert (pushed.sent, pushed.sent_bytes) == (1, new.compressed_size)
    assert blobs.asked == [new.digest]


def test_layers_of_a_base_in_the_same_registry_are_mounted(registry: str, blobs: Blobs) -> None:
    base, own = blobs.layer("a base"), blobs.layer("own")
    _push(f"{registry}/bases/one:1", [base], blobs)
    blobs.asked.clear()
    pushed = _push(f"{registry}/team/upon:1", [base, own], blobs, f"{registry}/bases/one:1")

    assert pushed.sent == 1
    assert blobs.asked == [own.digest]


def test_layers_that_another_repository_got_are_mounted(registry: str, blobs: Blobs) -> None:
    layers = [blobs.layer("shared by two")]
    _push(f"{registry}/team/first:1", layers, blobs)
    blobs.asked.clear()
    pushed = _push(f"{registry}/team/second:1", layers, blobs)

    assert (pushed.changed, pushed.sent) == (True, 0)
    assert blobs.asked == []


def test_a_digest_is_read_as_well_as_a_tag(registry: str, blobs: Blobs) -> None:
    pushed = _push(f"{registry}/team/pinned:1", [blobs.layer("x")], blobs)

    with _source(f"{registry}/team/pinned@{pushed.digest}") as source:
        assert source.load().digest == pushed.digest


def test_the_digest_of_a_tag_is_asked_for_without_reading_the_image(
    registry: str, blobs: Blobs
) -> None:
    pushed = _push(f"{registry}/team/digest:1", [blobs.layer("x")], blobs)

    for name in (f"{registry}/team/digest:1", f"{registry}/team/digest@{pushed.digest}"):
        with _source(name) as source:
            assert source.find_digest() == pushed.digest
    with _source(f"{registry}/team/digest:2") as source, pytest.raises(ImageNotFoundError):
        source.find_digest()


@pytest.mark.parametrize("said", ["", "md5:1", f"sha256:{1:063}"])
def test_a_registry_that_tells_no_digest_is_asked_for_the_manifest(said: str) -> None:
    content = b'{"manifests": []}'

    def answer(method: str, path: str, earlier: int) -> tuple[int, dict[str, str], bytes]:
        del path, earlier
        headers = {"Docker-Content-Digest": said} if said else {}
        return 200, {**headers, "Content-Type": DOCKER_INDEX}, b"" if method == "HEAD" else content

    with run_scripted(answer) as scripted, _source(f"{scripted.address}/x:1") as source:
        assert source.find_digest() == _digest(content)


def test_an_image_that_is_not_there_is_said(registry: str) -> None:
    with _source(f"{registry}/team/none:1") as source, pytest.raises(EnvsyncError) as caught:
        source.load()

    assert caught.value.message == f"Registry `{registry}` has no image `{registry}/team/none:1`"


def test_the_definitions_user_is_let_in(
    login_registry: str, blobs: Blobs, home_login: Login
) -> None:
    home_login(login_registry, USER, PASSWORD)
    _push(f"{login_registry}/private:1", [blobs.layer("x")], blobs)
    home_login(login_registry, "", "")
    known = ImageRegistry(address=login_registry, username=USER, password=Secret(PASSWORD))

    with _source(f"{login_registry}/private:1", known) as source:
        assert source.load().os == "linux"


@pytest.mark.parametrize("form", ["{}", "https://{}", "https://{}/", "{}/v2/", "{}/team"])
def test_the_definitions_registry_may_be_written_as_an_address(
    login_registry: str, form: str
) -> None:
    address = form.format(login_registry)
    known = ImageRegistry(address=address, username=USER, password=Secret(PASSWORD))

    with _source(f"{login_registry}/none:1", known) as source, pytest.raises(ImageNotFoundError):
        source.find_digest()


def test_a_wrong_password_is_refused_and_not_shown(login_registry: str) -> None:
    known = ImageRegistry(address=login_registry, username=USER, password=Secret("not-it"))

    with (
        _source(f"{login_registry}/private:1", known) as source,
        pytest.raises(EnvsyncError) as caught,
    ):
        source.load()

    assert caught.value.message == (
        f"Registry `{login_registry}` refuses user `me`: authentication required"
    )
    assert caught.value.hint == f"run `docker login {login_registry}` as a user with access"


def test_the_definitions_password_goes_to_no_other_registry(
    registry: str, login_registry: str
) -> None:
    known = ImageRegistry(address=registry, username=USER, password=Secret(PASSWORD))

    with (
        _source(f"{login_registry}/private:1", known) as source,
        pytest.raises(EnvsyncError, match="refuses anonymous access"),
    ):
        source.load()


Login = "Callable[[str, str, str], None]"


@pytest.fixture
def home_login(private_home: Path) -> Callable[[str, str, str], None]:
    """Write what `docker login` would."""

    def login(registry: str, user: str, password: str) -> None:
        folder = private_home / ".docker"
        folder.mkdir(exist_ok=True)
        command = ["base64", "-w0"]
        pair = f"{user}:{password}".encode()
        auth = subprocess.run(command, input=pair, capture_output=True, check=True).stdout.decode()
        auths = {registry: {"auth": auth}} if user else {}
        (folder / "config.json").write_text(json.dumps({"auths": auths}))

    return login


def test_a_credential_helper_is_asked(
    login_registry: str,
    blobs: Blobs,
    private_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    helper = tmp_path / "bin" / "docker-credential-test"
    helper.parent.mkdir()
    answer = json.dumps({"Username": USER, "Secret": PASSWORD, "ServerURL": login_registry})
    helper.write_text(f"#!/bin/sh\necho '{answer}'\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{helper.parent}:/usr/bin:/bin")
    (private_home / ".docker").mkdir()
    config = {"credHelpers": {login_registry: "test"}}
    (private_home / ".docker/config.json").write_text(json.dumps(config))

    assert _push(f"{login_registry}/helped:1", [blobs.layer("x")], blobs).changed


@pytest.mark.slow
def test_a_registry_whose_certificate_nobody_trusts_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if lack := why_not():
        pytest.skip(lack)
    certificate = make_certificate(tmp_path / "certificate")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with run_registry(tmp_path / "registry", certificate=certificate) as address:
        name = f"{address}/x:1"
        unknown = pytest.raises(EnvsyncError, match="CERTIFICATE_VERIFY_FAILED")
        with _source(name) as source, unknown:
            source.load()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        with _source(name) as source, pytest.raises(EnvsyncError, match="has no image"):
            source.load()


@contextlib.contextmanager
def _client(address: str, read_seconds: float = 5) -> Iterator[RegistryClient]:
    client = RegistryClient(address, Credentials(), read_seconds=read_seconds)
    with contextlib.closing(client):
        yield client


@contextlib.contextmanager
def _source(name: str, registry: ImageRegistry | None = None) -> Iterator[RegistrySource]:
    source = RegistrySource(parse_reference(name), architecture="amd64", registry=registry)
    with contextlib.closing(source):
        yield source


def test_a_busy_registry_is_asked_again() -> None:
    def answer(method: str, path: str, earlier: int) -> tuple[int, dict[str, str], bytes]:
        del method
        is_busy = path.endswith("/x") and earlier < 2
        return (429, {"Retry-After": "0"}, b"") if is_busy else (200, {}, b"ok")

    with run_scripted(answer) as scripted, _client(scripted.address) as client:
        answered = client.request("GET", "x")

        assert (answered.status_code, answered.content) == (200, b"ok")
        assert scripted.requests.count("GET /v2/x") == 3


def test_a_registry_that_stays_busy_is_said() -> None:
    def answer(method: str, path: str, earlier: int) -> tuple[int, dict[str, str], bytes]:
        del method, path, earlier
        return 429, {"Retry-After": "0"}, b""

    with (
        run_scripted(answer) as scripted,
        _client(scripted.address) as client,
        pytest.raises(EnvsyncError) as caught,
    ):
        client.request("GET", "x")

    assert caught.value.message == (
        f"Registry `{scripted.address}` has had too many requests for now"
    )


@pytest.mark.slow
def test_a_registry_that_hangs_is_left() -> None:
    def answer(method: str, path: str, earlier: int) -> tuple[int, dict[str, str], bytes] | None:
        del method, earlier
        return None if path.endswith("/x") else (200, {}, b"")

    with (
        run_scripted(answer) as scripted,
        _client(scripted.address, read_seconds=0.05) as client,
        pytest.raises(EnvsyncError) as caught,
    ):
        client.request("GET", "x")

    assert caught.value.message == (
        f"Cannot reach the registry `{scripted.address}`: no answer within 0.05 s"
    )


def test_a_registry_without_an_address_is_asked_once() -> None:
    begin = time.monotonic()
    with _client("registry.invalid") as client, pytest.raises(EnvsyncError) as caught:
        client.request("GET", "x")

    assert caught.value.message.startswith("Cannot reach the registry `registry.invalid`: ")
    assert time.monotonic() - begin < 3  # more tries would wait for longer


def test_a_registry_that_is_not_there_is_said() -> None:
    with _client("127.0.0.1:1") as client, pytest.raises(EnvsyncError) as caught:
        client.request("GET", "x")

    assert caught.value.message == "Cannot reach the registry `127.0.0.1:1`: Connection refused"


def test_a_download_that_breaks_off_starts_over(tmp_path: Path) -> None:
    content = b"layer" * 1000

    def answer(method: str, path: str, earlier: int) -> tuple[int, dict[str, str], bytes]:
        del method
        if path.endswith("/blob") and earlier == 0:
            return 200, {"Content-Length": str(len(content))}, content[:100]
        return 200, {}, content

    with run_scripted(answer) as scripted, _client(scripted.address) as client:
        store = BlobStore(tmp_path / "store")

        def consume(stream: object) -> None:
            with store.write(expected=_digest(content)) as writer:
                writer.write(stream.read())  # type: ignore[attr-defined]

        client.download("blob", consume, most=len(content))

    assert store.path(_digest(content)).read_bytes() == content
    assert len(list((tmp_path / "store").iterdir())) == 2


def _serve_image(
    blobs: dict[str, bytes], manifests: dict[str, tuple[str, bytes]]
) -> Callable[[str, str, int], tuple[int, dict[str, str], bytes]]:
    def answer(method: str, path: str, earlier: int) -> tuple[int, dict[str, str], bytes]:
        del method, earlier
        name = path.rpartition("/")[2]
        if "/manifests/" in path and name in manifests:
            kind, content = manifests[name]
            return 200, {"Content-Type": kind}, content
        if "/blobs/" in path and name in blobs:
            return 200, {}, blobs[name]
        return (200, {}, b"{}") if path == "/v2/" else (404, {}, b"{}")

    return answer


def test_a_list_of_manifests_without_our_platform_names_what_it_has() -> None:
    entry = {"mediaType": MANIFEST, "digest": f"sha256:{0:064}", "size": 1}
    platforms = [
        {"os": "linux", "architecture": "s390x"},
        {"os": "windows", "architecture": "amd64"},
    ]
    entries = [{**entry, "platform": platform} for platform in platforms]
    index = json.dumps({"mediaType": DOCKER_INDEX, "manifests": entries}).encode()
    with run_scripted(_serve_image({}, {"1": (DOCKER_INDEX, index)})) as scripted:
        name = f"{scripted.address}/x:1"
        with _source(name) as source, pytest.raises(EnvsyncError) as caught:
            source.load()

    assert caught.value.message == (
        f"Base image `{name}` is not available for `linux/amd64`: it has `linux/s390x`, "
        "`windows/amd64`"
    )


def test_an_image_in_dockers_first_format_is_said_to_be_one() -> None:
    kind = "application/vnd.docker.distribution.manifest.v1+prettyjws"
    content = json.dumps({"schemaVersion": 1, "fsLayers": [], "history": []}).encode()
    with run_scripted(_serve_image({}, {"1": (kind, content)})) as scripted:
        name = f"{scripted.address}/x:1"
        with _source(name) as source, pytest.raises(EnvsyncError) as caught:
            source.load()

    assert caught.value.message == (
        f"Registry `{scripted.address}` has `{name}` only in Docker's first format, "
        "which engines no longer take"
    )


def test_another_manifest_than_its_digest_says_is_refused() -> None:
    wanted = f"sha256:{0:064}"
    with run_scripted(_serve_image({}, {wanted: (MANIFEST, b"{}")})) as scripted:
        name = f"{scripted.address}/x@{wanted}"
        with _source(name) as source, pytest.raises(EnvsyncError) as caught:
            source.load()

    assert caught.value.message == (
        f"Registry `{scripted.address}` sent something else than `{wanted}`"
    )


def test_a_layer_that_was_tampered_with_never_gets_in(tmp_path: Path) -> None:
    layer = gzip.compress(b"plain", mtime=0)
    config = json.dumps(
        {
            "os": "linux",
            "architecture": "amd64",
            "rootfs": {"type": "layers", "diff_ids": [_digest(b"plain")]},
        }
    ).encode()
    described = describe_bytes(config, "x")
    manifest = json.dumps(
        {
            "config": {"mediaType": "x", "digest": described.digest, "size": described.size},
            "layers": [{"mediaType": _GZIP, "digest": _digest(layer), "size": len(layer)}],
        }
    ).encode()
    served = {described.digest: config, _digest(layer): gzip.compress(b"other", mtime=0)}
    with (
        run_scripted(_serve_image(served, {"1": (MANIFEST, manifest)})) as scripted,
        _source(f"{scripted.address}/x:1") as source,
    ):
        image = source.load()
        store = BlobStore(tmp_path / "store")
        for fetch in (source.fetch, source.fetch_compressed):
            with pytest.raises(EnvsyncError, match="A layer's sha256 is"):
                fetch(image.layers, store)

    assert list((tmp_path / "store").iterdir()) == []
