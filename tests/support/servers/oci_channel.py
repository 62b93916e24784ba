"""A conda channel in an OCI registry, in the layout that conda-oci-mirror gives it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from pathlib import Path

_REPODATA = "application/vnd.conda.repodata.v1+json+zst"
_PACKAGE = "application/vnd.conda.package.v2"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def push_channel(folder: Path, address: str, name: str, *, authority: Path) -> None:
    """Put the channel in *folder* into the registry at *address*, below *name*."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(authority)
        registry = _Registry(session, f"https://{address}/v2/{name}")
        for subdir in ("linux-64", "noarch"):
            repodata = (folder / subdir / "repodata.json.zst").read_bytes()
            registry.push(f"{subdir}/repodata.json", "latest", repodata, _REPODATA)
            for path in (folder / subdir).glob("*.conda"):
                package, version, build = path.stem.rsplit("-", 2)
                if package in ("six", "python"):
                    tag = f"{version}-{build}"
                    registry.push(f"{subdir}/{package}", tag, path.read_bytes(), _PACKAGE)


class _Registry:
    def __init__(self, session: requests.Session, url: str) -> None:
        self.session = session
        self.url = url

    def push(self, name: str, tag: str, content: bytes, media_type: str) -> None:
        layer = self._push_blob(name, content, media_type)
        config = self._push_blob(name, b"{}", "application/vnd.unknown.config.v1+json")
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": config,
            "layers": [layer],
        }
        self.session.put(
            f"{self.url}/{name}/manifests/{tag}",
            data=json.dumps(manifest),
            headers={"Content-Type": _MANIFEST},
        ).raise_for_status()

    def _push_blob(self, name: str, content: bytes, media_type: str) -> dict[str, object]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        begun = self.session.post(f"{self.url}/{name}/blobs/uploads/")
        begun.raise_for_status()
        place = begun.headers["Location"]
        self.session.put(f"{place}&digest={digest}", data=content).raise_for_status()
        return {"mediaType": media_type, "digest": digest, "size": len(content)}
