"""Images that say what no honest one says: whatever it is, nothing of the user's is touched."""

from __future__ import annotations

import copy
import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from support.hostile import SECRET, count_examples, describe, make_surroundings

from envsync.errors import EnvsyncError
from envsync.image.base.base import FileSource
from envsync.image.formats.config import ImageContent
from envsync.image.formats.layout import write_layout
from envsync.image.store.layer_cache import LayerCache
from envsync.model.digest import parse_digest
from envsync.workflow.image.content import load_content

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_RECORD = {
    "name": "six",
    "version": "1.0",
    "build": "0",
    "files": ["lib/six.py"],
    "depends": ["python >=3"],
    "md5": "0" * 32,
    "url": "https://conda.example.org/linux-64/six-1.0-0.conda",
    "paths_data": {"paths": [{"_path": "lib/six.py", "path_type": "hardlink", "sha256": "0"}]},
}
_INFO = "opt/x/lib/python3.11/site-packages/a-1.dist-info"
_FILES = {
    "opt/x/conda-meta/history": "",
    "opt/x/conda-meta/six-1.0-0.json": json.dumps(_RECORD),
    f"{_INFO}/METADATA": "Name: a\nVersion: 1\n",
    f"{_INFO}/RECORD": "a.py,,\n../../../../mine/secret,,\n",
}


def make_layer(files: dict[str, str] | None = None) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, text in (_FILES if files is None else files).items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def make_config(layer: bytes) -> dict[str, Any]:
    return {
        "os": "linux",
        "architecture": "amd64",
        "config": {"Env": ["A=b"], "Cmd": ["sh"], "Labels": {"a": "b"}, "Volumes": {"/v": {}}},
        "rootfs": {"type": "layers", "diff_ids": [sha256(layer)]},
    }


def write_archive(path: Path, config: object, layer: bytes, **manifest: object) -> Path:
    listed = {"Config": "config.json", "Layers": ["layer.tar"], "RepoTags": ["x:1"], **manifest}
    members = {
        "manifest.json": json.dumps([listed]).encode(),
        "config.json": json.dumps(config).encode(),
        "layer.tar": layer,
    }
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def write_oci(
    folder: Path, layer: bytes, change: Callable[[str, Any], Any] = lambda _, it: it
) -> Path:
    """Write a layout of *layer*, of which *change* may change config, manifest and index."""

    def put(content: bytes) -> str:
        (folder / "blobs" / "sha256" / sha256(content)[7:]).write_bytes(content)
        return sha256(content)

    def part(kind: str, content: bytes) -> dict[str, Any]:
        media_type = f"application/vnd.oci.image.{kind}"
        return {"mediaType": media_type, "digest": put(content), "size": len(content)}

    (folder / "blobs" / "sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    config = json.dumps(change("config", make_config(layer))).encode()
    manifest = {
        "schemaVersion": 2,
        "config": part("config.v1+json", config),
        "layers": [part("layer.v1.tar+gzip", gzip.compress(layer, mtime=0))],
    }
    text = json.dumps(change("manifest", manifest)).encode()
    entry = {
        **part("manifest.v1+json", text),
        "platform": {"os": "linux", "architecture": "amd64"},
        "annotations": {"org.opencontainers.image.ref.name": "1"},
    }
    index = change("index", {"schemaVersion": 2, "manifests": [entry]})
    (folder / "index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return make_surroundings(tmp_path)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ENVSYNC_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def climb(target: Path, home: Path) -> str:
    """Return a name that leads to *target* from wherever a blob may lie."""
    return os.path.relpath(target, home / "cache" / "layers" / "blobs")  # noqa: TID251


@pytest.mark.parametrize("kind", ["archive", "layout"])
def test_a_layer_whose_name_is_a_path_deletes_nothing(
    tmp_path: Path, mine: Path, home: Path, kind: str
) -> None:
    layer = make_layer()
    before = describe(mine)
    config = make_config(layer)
    config["rootfs"]["diff_ids"] = [f"sha256:{climb(mine / 'secret', home)}"]

    def change(name: str, value: Any) -> Any:
        return config if name == "config" else value

    image = (
        write_archive(tmp_path / "x.tar", config, layer)
        if kind == "archive"
        else write_oci(tmp_path / "x", layer, change)
    )

    with pytest.raises(EnvsyncError, match="neither an OCI layout nor an archive"):
        load_content(str(image))

    assert describe(mine) == before


@pytest.mark.parametrize("place", ["index", "manifest", "layers"])
def test_a_blob_whose_name_is_a_path_is_not_read(
    tmp_path: Path, mine: Path, home: Path, place: str
) -> None:
    hostile = f"sha256:{climb(mine / 'secret', home)}"

    def change(name: str, value: Any) -> Any:
        if name == "index" == place:
            value["manifests"][0]["digest"] = hostile
        if name == "manifest" == place:
            value["config"]["digest"] = hostile
        if name == "manifest" and place == "layers":
            value["layers"][0]["digest"] = hostile
        return value

    image = write_oci(tmp_path / "x", make_layer(), change)

    with pytest.raises(EnvsyncError, match="lacks its media type, digest or size"):
        load_content(str(image))


@pytest.mark.parametrize("part", ["manifest", "config"])
def test_a_part_with_other_bytes_than_its_name_says_is_refused(tmp_path: Path, part: str) -> None:
    image = write_oci(tmp_path / "x", make_layer())
    index = json.loads((image / "index.json").read_text())
    blobs = image / "blobs" / "sha256"
    path = blobs / index["manifests"][0]["digest"][7:]
    if part == "config":
        path = blobs / json.loads(path.read_text())["config"]["digest"][7:]
    path.write_bytes(path.read_bytes() + b" ")

    with pytest.raises(EnvsyncError, match="has other bytes than"):
        load_content(str(image))


@pytest.mark.parametrize("place", ["index.json", "oci-layout", "manifest", "layer"])
def test_a_pipe_in_a_layout_is_not_waited_for(tmp_path: Path, place: str) -> None:
    image = write_oci(tmp_path / "x", make_layer())
    index = json.loads((image / "index.json").read_text())
    blobs = image / "blobs" / "sha256"
    manifest = blobs / index["manifests"][0]["digest"][7:]
    places = {
        "manifest": manifest,
        "layer": blobs / json.loads(manifest.read_text())["layers"][0]["digest"][7:],
    }
    path = places.get(place, image / place)
    path.unlink()
    os.mkfifo(path)

    with pytest.raises(EnvsyncError):
        load_content(str(image))


def long_header() -> bytes:
    """Return a member whose name is said to have 2 GiB."""
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 2 << 30
    return member.tobuf(tarfile.GNU_FORMAT) + bytes(10240)


LAYERS: dict[str, bytes] = {
    "no archive": b"no archive at all",
    "a header that asks for 2 GiB": long_header(),
    "a name with a NUL": make_layer({"opt/x/conda-meta/history": "", "opt/x/conda-meta/a\0b": ""}),
    "half an archive": make_layer()[:700],
    "records of a package that are a list": make_layer(
        {"opt/x/conda-meta/history": "", "opt/x/conda-meta/a.json": "[]"}
    ),
    "a record of nothing but brackets": make_layer(
        {"opt/x/conda-meta/history": "", "opt/x/conda-meta/a.json": "[" * 100_000}
    ),
    "a record with a path without end": make_layer(
        {
            "opt/x/conda-meta/history": "",
            "opt/x/conda-meta/a.json": json.dumps({"name": "a", "files": ["a/" * 200_000 + "f"]}),
        }
    ),
    "a name without end": make_layer({"opt/x/conda-meta/history": "", f"opt/x/{'a/' * 9000}f": ""}),
    "records that climb": make_layer(
        {
            "opt/x/conda-meta/history": "",
            "opt/x/conda-meta/../../../../mine/secret.json": "{}",
            "opt/x/lib/../site-packages/a.dist-info/RECORD": "",
            f"opt/x/conda-meta/{'n' * 300}.json": "{}",
        }
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_that_can_not_be_read_is_an_error_and_no_crash(
    tmp_path: Path, mine: Path, name: str
) -> None:
    layer = LAYERS[name]
    before = describe(mine)
    image = write_archive(tmp_path / "x.tar", make_config(layer), layer)

    with suppress(EnvsyncError):
        load_content(str(image))

    assert describe(mine) == before


def test_blobs_that_lie_elsewhere_are_not_removed_there(tmp_path: Path, mine: Path) -> None:
    layout = write_oci(tmp_path / "x", make_layer())
    blobs = layout / "blobs"
    blobs.rename(tmp_path / "blobs")
    blobs.mkdir()
    (blobs / "sha256").symlink_to(mine)
    before = describe(mine)

    with pytest.raises(EnvsyncError, match="is a link, and its target may have other files"):
        write(layout, tmp_path)

    assert describe(mine) == before


def write(layout: Path, tmp_path: Path) -> None:
    cache = LayerCache(tmp_path / "cache")
    layer = cache.add("a" * 64, [], created_by="x")
    packed = cache.compress(layer)
    config = json.dumps(make_config(b"")).encode()
    write_layout(
        layout,
        ImageContent(config=config, layers=(layer,)),
        layers=[packed],
        references=("2",),
        find_blob=cache.blobs.path,
    )


def test_an_index_that_leads_elsewhere_removes_and_reads_nothing(
    tmp_path: Path, mine: Path
) -> None:
    def change(name: str, value: Any) -> Any:
        if name == "index":
            climbing = {
                "mediaType": "m",
                "digest": f"sha256:../../../{mine.name}/secret",
                "size": 1,
            }
            value["manifests"] += [climbing, {"digest": None}, "odd"]
        return value

    layout = write_oci(tmp_path / "x", make_layer(), change)
    (layout / "blobs" / "sha256" / "notes.txt").write_text("not a blob")
    before = describe(mine)

    write(layout, tmp_path)

    assert describe(mine) == before
    assert (layout / "blobs" / "sha256" / "notes.txt").exists()


def test_an_index_that_lists_itself_comes_to_an_end(tmp_path: Path) -> None:
    layout = write_oci(tmp_path / "x", make_layer())
    # A name for bytes that name themselves can't be found, but an index may lie under any name.
    digest = f"sha256:{'1' * 64}"
    inner = {"manifests": [{"mediaType": "m", "digest": digest, "size": 1}]}
    (layout / "blobs" / "sha256" / digest[7:]).write_text(json.dumps(inner))
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, **inner}))

    write(layout, tmp_path)

    assert (layout / "blobs" / "sha256" / digest[7:]).exists()


NASTY = st.sampled_from(
    [
        None,
        True,
        -1,
        1.5,
        1 << 70,
        "",
        "..",
        "/",
        "../../mine/secret",
        "sha256:../../../../mine/secret",
        f"sha256:{'0' * 64}",
        "\ud800",
        "a\nb",
        "x" * 5000,
        [],
        {},
        ["../../mine/secret"],
        {"../../mine/secret": {}},
        [[[[]]]],
    ]
)


def list_places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(place for key, it in items for place in list_places(it, (*path, key)))]


def put(value: Any, place: Sequence[Any], new: Any) -> Any:
    if not place:
        return new
    changed = copy.deepcopy(value)
    at = changed
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = new
    return changed


@pytest.mark.slow
@settings(
    max_examples=count_examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_nothing_of_the_users_is_touched_whatever_an_image_says(
    data: st.DataObject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(tempfile.mkdtemp(dir=tmp_path))
    monkeypatch.setenv("ENVSYNC_HOME", str(root / "home"))
    mine = make_surroundings(root)

    def change(name: str, value: Any) -> Any:
        for _ in range(data.draw(st.integers(0, 2), label=f"changes of {name}")):
            place = data.draw(st.sampled_from(list_places(value)), label=f"place in {name}")
            value = put(value, place, data.draw(NASTY, label=f"value in {name}"))
        return value

    layer = make_layer(
        {**_FILES, "opt/x/conda-meta/six-1.0-0.json": json.dumps(change("record", _RECORD))}
    )
    if data.draw(st.booleans(), label="is an archive"):
        config = change("config", make_config(layer))
        names = {"Config": "config.json", "Layers": ["layer.tar"]}
        changed = change("manifest", names)
        manifest = changed if isinstance(changed, dict) else {"Config": changed}
        image = write_archive(root / "x.tar", config, layer, **manifest)
    else:
        image = write_oci(root / "x", layer, change)
    before = describe(mine)
    beside = sorted(path.name for path in root.iterdir())

    is_refused = True
    with suppress(EnvsyncError):
        load_content(str(image))
        is_refused = False
    event(f"refused: {is_refused}")

    assert describe(mine) == before
    assert {path.name for path in root.iterdir()} <= {*beside, "home"}
    for path in (root / "home").rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()


def test_a_file_source_names_layers_by_digests_alone(tmp_path: Path) -> None:
    image = write_archive(tmp_path / "x.tar", make_config(make_layer()), make_layer())

    (layer,) = FileSource(image, os="linux", architecture="amd64").load().layers

    assert parse_digest(layer.diff_id) == sha256(make_layer())


def make_sparse_layer() -> bytes:
    """Return a layer with a file of a pebibyte, none of which is there."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("opt/x/conda-meta/history"))
        member = tarfile.TarInfo("opt/x/lib/big")
        member.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(1 << 50)}
        archive.addfile(member)
    return stream.getvalue()


def test_holes_are_not_read(tmp_path: Path) -> None:
    layer = make_sparse_layer()

    with pytest.raises(EnvsyncError, match="larger than the archive"):
        load_content(str(write_archive(tmp_path / "x.tar", make_config(layer), layer)))


def test_records_that_are_one_file_do_not_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envsync.image.content.tree._MOST_META", 1 << 20)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("opt/x/conda-meta/history"))
        member = tarfile.TarInfo("opt/x/conda-meta/a.json")
        member.size = 300_000
        archive.addfile(member, io.BytesIO(b" " * member.size))
        for number in range(9):
            linked = tarfile.TarInfo(f"opt/x/conda-meta/b{number}.json")
            linked.type, linked.linkname = tarfile.LNKTYPE, member.name
            archive.addfile(linked)
    layer = stream.getvalue()

    with pytest.raises(EnvsyncError, match="more records of packages"):
        load_content(str(write_archive(tmp_path / "x.tar", make_config(layer), layer)))


def test_an_image_of_a_thousand_layers_is_refused(tmp_path: Path) -> None:
    layer = make_layer()
    config = make_config(layer)
    config["rootfs"]["diff_ids"] *= 1000
    image = write_archive(tmp_path / "x.tar", config, layer, Layers=["layer.tar"] * 1000)

    with pytest.raises(EnvsyncError, match="neither an OCI layout nor an archive"):
        load_content(str(image))


@pytest.mark.parametrize("name", [{}, [], 1, None])
def test_a_name_in_an_index_that_is_none_is_let_be(tmp_path: Path, name: object) -> None:
    def change(part: str, value: Any) -> Any:
        if part == "index":
            value["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": name}
        return value

    write(write_oci(tmp_path / "x", make_layer(), change), tmp_path)
