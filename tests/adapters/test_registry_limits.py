"""Answers without an end, and answers that make no sense."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import itertools
import json
import zlib
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests.certs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.hostile import count_examples
from support.servers.hostile import Reply, Request, serve_hostile

from envsync.adapters.registry import RegistrySource
from envsync.errors import EnvsyncError
from envsync.image.base.layer_content import store_plain
from envsync.image.formats.manifest import DOCKER_INDEX, MANIFEST
from envsync.image.store.blobs import BlobStore
from envsync.model.environment import ImageRegistry
from envsync.model.image import parse_reference
from envsync.model.text.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

_KIND = ("Content-Type", MANIFEST)
_MIB = 1 << 20
_PASSWORD = "planted-password"  # noqa: S105
_PAIR = base64.b64encode(f"me:{_PASSWORD}".encode()).decode()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@contextlib.contextmanager
def _source(address: str, seconds: float = 5) -> Iterator[RegistrySource]:
    reference = parse_reference(f"{address}/x:1")
    known = ImageRegistry(address=address, username="me", password=Secret(_PASSWORD))
    source = RegistrySource(reference, architecture="amd64", registry=known, read_seconds=seconds)
    with contextlib.closing(source):
        yield source


def _endless(part: bytes = b" " * _MIB) -> Iterator[bytes]:
    return itertools.repeat(part)


def test_a_manifest_without_an_end_is_left_after_its_size() -> None:
    with serve_hostile(lambda request: Reply(200, [_KIND], _endless())) as server:  # noqa: ARG005
        with _source(server.address) as source, pytest.raises(EnvsyncError, match="4,194,304"):
            source.load()

        assert server.sent < 32 * _MIB


def test_a_packed_manifest_counts_as_large_as_it_becomes() -> None:
    bomb = gzip.compress(b" " * (64 * _MIB))
    reply = Reply(200, [_KIND, ("Content-Encoding", "gzip")], bomb)
    with (
        serve_hostile(lambda request: reply) as server,  # noqa: ARG005
        _source(server.address) as source,
        pytest.raises(EnvsyncError, match="4,194,304"),
    ):
        source.load()


@pytest.mark.parametrize("part", [b"{", b""])
def test_what_comes_in_drop_by_drop_is_left(part: bytes) -> None:
    def answer(request: Request) -> Reply:
        del request
        return Reply(200, [_KIND], itertools.repeat(part or b" "), pause=0.05)

    with (
        serve_hostile(answer) as server,
        _source(server.address, 0.4) as source,
        pytest.raises(EnvsyncError, match="no answer within"),
    ):
        source.load()


@pytest.mark.parametrize("status", [403, 400, 404])
def test_an_error_without_an_end_is_left(status: int) -> None:
    with serve_hostile(lambda request: Reply(status, [], _endless())) as server:  # noqa: ARG005
        with _source(server.address) as source, pytest.raises(EnvsyncError):
            source.load()

        assert server.sent < 32 * _MIB


def test_a_reason_is_shown_as_one_short_line() -> None:
    words = "\x1b[2J\r\n" + "x" * 10_000
    body = json.dumps({"errors": [{"message": words}]}).encode()
    with (
        serve_hostile(lambda request: Reply(400, [], body)) as server,  # noqa: ARG005
        _source(server.address) as source,
        pytest.raises(EnvsyncError) as caught,
    ):
        source.load()

    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 600


def _serve_layer(layer: bytes, sent: Any, diff_id: str, size: int) -> Any:
    rootfs = {"type": "layers", "diff_ids": [diff_id]}
    config = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": rootfs}).encode()
    parts = [{"mediaType": "l", "digest": _digest(layer), "size": size}]
    described = {"mediaType": "c", "digest": _digest(config), "size": len(config)}
    manifest = json.dumps({"config": described, "layers": parts}).encode()

    def answer(request: Request) -> Reply:
        if "/manifests/" in request.path:
            return Reply(200, [_KIND], manifest)
        return Reply(200, [], config if _digest(config) in request.path else sent())

    return answer


def test_a_layer_longer_than_its_manifest_says_is_left(tmp_path: Path) -> None:
    answer = _serve_layer(b"layer", _endless, _digest(b"layer"), 5)
    with serve_hostile(answer) as server:
        with _source(server.address) as source:
            image = source.load()
            for fetch in (source.fetch, source.fetch_compressed):
                with pytest.raises(EnvsyncError, match="more than 5 bytes"):
                    fetch(image.layers, BlobStore(tmp_path / "store"))

        assert server.sent < 64 * _MIB
    assert list((tmp_path / "store").iterdir()) == []


def test_a_layer_that_unpacks_without_an_end_does_not_fill_the_disk(tmp_path: Path) -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(_MIB)) for _ in range(1100)) + packer.flush()

    with pytest.raises(EnvsyncError, match="100 times as large"):
        store_plain(BytesIO(bomb), BlobStore(tmp_path / "store"))

    assert list((tmp_path / "store").iterdir()) == []


_DEEP = b"[" * 2_000 + b"]" * 2_000
_ODD = st.sampled_from(
    [None, True, -1, 1.5, 1 << 70, "", "x", [], {}, [[]], "../../etc", "sha256:../x", "\x1b[2J"]
)
_DIGESTS = st.one_of(_ODD, st.sampled_from([_digest(b""), _digest(b"{}")]))
_PARTS = st.one_of(
    _ODD,
    st.fixed_dictionaries(
        {}, optional={"mediaType": _ODD, "digest": _DIGESTS, "size": _ODD, "platform": _ODD}
    ),
)
_MANIFESTS = st.fixed_dictionaries(
    {},
    optional={
        "schemaVersion": _ODD,
        "config": _PARTS,
        "layers": st.one_of(_ODD, st.lists(_PARTS, max_size=3)),
        "manifests": st.one_of(_ODD, st.lists(_PARTS, max_size=3)),
        "os": _ODD,
        "architecture": _ODD,
        "rootfs": st.one_of(_ODD, st.fixed_dictionaries({"diff_ids": _ODD})),
    },
)
_BODIES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [_DEEP, b'{"config": ' + _DEEP + b"}", b'{"size": ' + b"9" * 10_000 + b"}", b"NaN", b"\xff"]
    ),
    _MANIFESTS.map(lambda value: json.dumps(value).encode()),
)
_PLACES = st.sampled_from(
    ["/v2/x", "//[", "http://{}/", "http://x@{}/", "file:///etc/passwd", "\\\\{}\\x", "http://:/"]
)
# A plain token service on loopback may be told the password by a registry there: none is named.
_REALMS = st.sampled_from(["/v2/x", "//{}/", "http://x@{}/", "file:///etc/passwd", "ftp://{}/"])
_HEADERS = st.lists(
    st.one_of(
        st.tuples(st.just("Content-Type"), st.sampled_from([MANIFEST, DOCKER_INDEX, "x", "\x80"])),
        st.tuples(st.just("Location"), _PLACES),
        st.tuples(st.just("Docker-Content-Digest"), st.sampled_from(["sha256:../../x", "x" * 900])),
        st.tuples(st.just("WWW-Authenticate"), _REALMS.map(lambda it: f'Bearer realm="{it}"')),
        st.just(("WWW-Authenticate", "Basic realm=x")),
        st.tuples(st.just("Content-Encoding"), st.sampled_from(["gzip", "br", "x"])),
    ),
    max_size=3,
)
_REPLIES = st.builds(
    Reply,
    st.sampled_from([200, 200, 200, 206, 302, 307, 400, 401, 403, 404, 451]),
    _HEADERS,
    _BODIES,
)


def _list_tree(folder: Path) -> dict[str, bytes | None]:
    return {str(it): it.read_bytes() if it.is_file() else None for it in folder.rglob("*")}


def test_no_answer_of_a_registry_reaches_beyond_the_cache(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All the usual authorities take longer to load than the rest of an example.
    first = Path(requests.certs.where()).read_text().partition("-----END CERTIFICATE-----")
    authority = tmp_path_factory.mktemp("authority") / "ca.crt"
    authority.write_text("".join(first[:2]))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    around = tmp_path_factory.mktemp("around")
    (around / "sentinel").write_text("as it was")
    before = _list_tree(around)
    store = BlobStore(around / "cache" / "blobs")
    replies: list[Reply] = []

    def answer(request: Request) -> Reply:
        del request
        given_ = replies[0]
        replies.append(replies.pop(0))
        headers = [(key, value.replace("{}", forbidden.address)) for key, value in given_.headers]
        return Reply(given_.status, headers, given_.body)

    @settings(
        max_examples=count_examples(40),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(_REPLIES, min_size=1, max_size=4))
    def attack(drawn: list[Reply]) -> None:
        replies[:] = drawn
        with _source(server.address, 2) as source, contextlib.suppress(EnvsyncError):
            source.find_digest()
        with _source(server.address, 2) as source, contextlib.suppress(EnvsyncError):
            image = source.load()
            source.fetch(image.layers, store)
        after = _list_tree(around)
        assert {key: after[key] for key in after if "/cache" not in key} == before

    with (
        serve_hostile(lambda request: Reply(403)) as forbidden,  # noqa: ARG005
        serve_hostile(answer) as server,
    ):
        attack()

        assert _PASSWORD not in forbidden.text
        assert _PAIR not in forbidden.text
