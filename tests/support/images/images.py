"""Images that were written, read back without the code that wrote them."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import NamedTuple

    class Done(NamedTuple):
        status: int
        stdout: str
        stderr: str


def print_id(command: Callable[..., Done], *more: str) -> str:
    done = command("build-local", "d", "--base", "base.tar", "--print-id", *more)
    assert done.status == 0, done.stderr
    return done.stdout.strip()


def read_layout(folder: Path) -> tuple[dict[str, object], dict[str, object]]:
    """Return the manifest and the config of the one image in the layout *folder*."""

    def blob(digest: str) -> dict[str, object]:
        return dict(json.loads((folder / "blobs/sha256" / digest.partition(":")[2]).read_text()))

    entry = json.loads((folder / "index.json").read_text())["manifests"][0]
    manifest = blob(entry["digest"])
    return manifest, blob(manifest["config"]["digest"])  # type: ignore[index]


def list_members(archive: Path) -> dict[str, bytes | str | None]:
    """Return the content of each file in all layers of *archive*, and the target of each link."""
    found: dict[str, bytes | str | None] = {}
    with tarfile.open(archive) as outer:
        manifest = json.loads(outer.extractfile("manifest.json").read())  # type: ignore[union-attr]
        for name in manifest[0]["Layers"]:
            with tarfile.open(fileobj=outer.extractfile(name)) as layer:
                for member in layer:
                    stream = layer.extractfile(member) if member.isfile() else None
                    content = stream.read() if stream is not None else None
                    found[f"/{member.name}"] = member.linkname or content
    return found
