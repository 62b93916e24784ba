from __future__ import annotations

import json

import pytest

from envsync.errors import EnvsyncError
from envsync.image.formats.manifest import (
    INDEX,
    blob_path,
    choose_manifest,
    describe_layer,
    dump_manifest,
    parse_descriptor,
    parse_manifest,
)
from envsync.model.digest import Digest, parse_digest
from envsync.model.image import Layer


def _digest(number: str) -> Digest:
    return parse_digest(f"sha256:{number:0>64}")


def _entry(number: str, os: str | None = "linux", architecture: str = "amd64") -> dict[str, object]:
    platform = {"platform": {"os": os, "architecture": architecture}} if os else {}
    return {"mediaType": "m", "digest": _digest(number), "size": 1, **platform}


def _choose(*entries: object) -> str:
    return choose_manifest(
        {"manifests": list(entries)}, os="linux", architecture="arm64", name="base:1"
    ).digest[-1]


def test_the_manifest_for_the_platform_is_chosen() -> None:
    assert _choose(_entry("1"), _entry("2", architecture="arm64"), "odd") == "2"


def test_a_single_manifest_that_names_no_platform_is_taken() -> None:
    assert _choose(_entry("1", os=None)) == "1"


def test_of_several_variants_the_one_is_chosen_that_every_machine_runs() -> None:
    one, two = _entry("1", architecture="arm64"), _entry("2", architecture="arm64")
    one["platform"]["variant"] = "v9"  # type: ignore[index]

    assert _choose(one, two) == "2"
    assert _choose(one) == "1"


def test_an_index_that_names_no_platform_is_looked_into_where_nothing_else_fits() -> None:
    inner = {"mediaType": INDEX, "digest": _digest("2"), "size": 1}

    assert _choose(_entry("1"), inner) == "2"
    assert _choose(inner, _entry("1", architecture="arm64")) == "1"


def test_what_there_is_instead_is_told() -> None:
    with pytest.raises(EnvsyncError) as caught:
        _choose(_entry("1"), _entry("2", os="windows"), _entry("3", os="unknown"))
    assert caught.value.message.endswith(
        "is not available for `linux/arm64`: it has `linux/amd64`, `windows/amd64`"
    )
    with pytest.raises(EnvsyncError, match="it has no image"):
        _choose()


def test_a_layer_is_named_by_its_compressed_form_in_ocis_words() -> None:
    layer = Layer(
        diff_id=_digest("1"),
        size=9,
        digest=_digest("2"),
        media_type="application/vnd.docker.image.rootfs.diff.tar.gzip",
        compressed_size=5,
    )
    found = describe_layer(layer)

    assert (found.digest, found.size) == (_digest("2"), 5)
    assert found.media_type == "application/vnd.oci.image.layer.v1.tar+gzip"
    plain = describe_layer(Layer(diff_id=_digest("1"), size=9))
    assert (plain.digest, plain.size) == (_digest("1"), 9)
    assert plain.media_type == "application/vnd.oci.image.layer.v1.tar"


def test_a_manifest_is_always_the_same_bytes() -> None:
    layers = [Layer(diff_id=_digest("1"), size=1)]
    manifest = dump_manifest(b"{}", layers)

    assert manifest == dump_manifest(b"{}", layers)
    assert json.loads(manifest)["config"]["size"] == 2


@pytest.mark.parametrize("missing", ["mediaType", "digest", "size"])
def test_a_part_that_is_not_described_is_refused(missing: str) -> None:
    entry = {key: value for key, value in _entry("1").items() if key != missing}

    with pytest.raises(EnvsyncError, match="lacks its media type, digest or size"):
        parse_descriptor(entry)


@pytest.mark.parametrize(
    "digest",
    [
        "sha256:../../../home/me/.ssh/id_rsa",
        f"sha256:{'0' * 63}/",
        f"sha256:{'0' * 64}\n",
        f"sha256:{'A' * 64}",
        f"sha512:{'0' * 128}",
        "sha256:" + "\u0660" * 64,
        "",
        None,
        ["sha256"],
        7,
    ],
)
def test_a_digest_that_is_none_is_refused(digest: object) -> None:
    with pytest.raises(EnvsyncError, match="lacks its media type, digest or size"):
        parse_descriptor({"mediaType": "m", "digest": digest, "size": 1})
    with pytest.raises(ValueError, match="a digest is"):
        blob_path(digest)  # type: ignore[arg-type]  # as a reader that forgot to check would


@pytest.mark.parametrize("size", [-1, 1.0, True, "1", None, 1 << 63])
def test_a_size_that_is_none_is_refused(size: object) -> None:
    with pytest.raises(EnvsyncError, match="lacks its media type, digest or size"):
        parse_descriptor({"mediaType": "m", "digest": _digest("1"), "size": size})


@pytest.mark.parametrize("content", [b"[]", b"[" * 100_000, b"\xff", b"", b"1"])
def test_a_manifest_that_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_manifest(content)
