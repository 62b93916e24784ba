"""Base images as files: just enough of a system to be built upon, never to be run."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
ARCHITECTURE = _ARCHITECTURES[platform.machine()]


def write_base(
    path: Path,
    *,
    glibc: str | None = "2.99",
    architecture: str = ARCHITECTURE,
    files: Mapping[str, bytes] | None = None,
    config: Mapping[str, object] | None = None,
) -> str:
    """Write an image that claims *glibc* to *path*, as `docker save` does; return its id."""
    contents = dict(files or {})
    if glibc is not None:
        words = f"GNU C Library (Stand-in) stable release version {glibc}.\n"
        contents["lib64/libc.so.6"] = b"\0" + words.encode()
    layer = _tar(contents)
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]}
    facts = {
        "architecture": architecture,
        "os": "linux",
        "config": dict(config or {"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["bash"]}),
        "rootfs": rootfs,
    }
    content = json.dumps(facts).encode()
    name = f"{hashlib.sha256(content).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": ["base:1"], "Layers": ["x/layer.tar"]}]
    path.write_bytes(
        _tar({name: content, "x/layer.tar": layer, "manifest.json": json.dumps(manifest).encode()})
    )
    return f"sha256:{name.removesuffix('.json')}"


def write_changed(
    source: Path, target: Path, files: Mapping[str, bytes], *, keeps_labels: bool = True
) -> None:
    """Write the image in the archive *source* with one more layer, of *files*, to *target*."""
    with tarfile.open(source) as archive:
        members = {it.name: _read(archive, it) for it in archive.getmembers() if it.isfile()}
    manifest = json.loads(members["manifest.json"])
    facts = json.loads(members.pop(manifest[0]["Config"]))
    layer = _tar(files)
    facts["rootfs"]["diff_ids"].append(f"sha256:{hashlib.sha256(layer).hexdigest()}")
    if not keeps_labels:
        del facts["config"]["Labels"]
    content = json.dumps(facts).encode()
    manifest[0]["Config"] = f"{hashlib.sha256(content).hexdigest()}.json"
    manifest[0]["Layers"].append("change/layer.tar")
    members[manifest[0]["Config"]] = content
    members["change/layer.tar"] = layer
    members["manifest.json"] = json.dumps(manifest).encode()
    target.write_bytes(_tar(members))


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    return stream.read() if stream is not None else b""


def _tar(contents: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()
