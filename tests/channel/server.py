"""Folders served on loopback in the place of the channels that definitions name."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CONDA_FORGE = "https://conda.anaconda.org/conda-forge/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """Mirrors that answer now: their configuration, and the paths that were asked for."""

    config: str
    mirrors: Mapping[str, str]
    requests: list[str]


@contextlib.contextmanager
def serve(channels: Mapping[str, Path | None]) -> Iterator[Served]:
    """Serve each folder of *channels* as a mirror of the canonical address that is its key.

    A channel without a folder, like a subdir that a folder lacks, answers as an empty one.
    """
    folders = {f"channel{number}": folder for number, folder in enumerate(channels.values())}
    requests: list[str] = []
    handler = partial(_Handler, folders, requests)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        root = f"http://127.0.0.1:{server.server_port}"
        mirrors = {
            canonical: f"{root}/{name}/" for canonical, name in zip(channels, folders, strict=True)
        }
        try:
            yield Served(config=_config(mirrors), mirrors=mirrors, requests=requests)
        finally:
            server.shutdown()
            thread.join()


def _config(mirrors: Mapping[str, str]) -> str:
    lines = [f"{json.dumps(canonical)} = [{json.dumps(url)}]" for canonical, url in mirrors.items()]
    return "\n".join(["[mirrors]", *lines, ""])


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept, as real channels keep them

    def __init__(
        self, folders: Mapping[str, Path | None], requests: list[str], *args: Any, **more: Any
    ) -> None:
        self.folders = folders
        self.requests = requests
        super().__init__(*args, **more)

    def do_GET(self) -> None:
        self.requests.append(self.path)
        *_, subdir, name = ["", "", *self.path.split("/")]
        if name == "repodata.json" and not self._has_subdir():
            self._send_empty_repodata(subdir)
        else:
            super().do_GET()

    def send_head(self) -> Any:
        if not self._has_subdir():
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def translate_path(self, path: str) -> str:
        name, _, rest = path.lstrip("/").partition("/")
        self.directory = str(self.folders[name])
        return super().translate_path(f"/{rest}")

    def _has_subdir(self) -> bool:
        name, _, rest = self.path.lstrip("/").partition("/")
        folder = self.folders.get(name)
        return folder is not None and (folder / rest.partition("/")[0]).is_dir()

    def _send_empty_repodata(self, subdir: str) -> None:
        repodata = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": {}}
        body = json.dumps(repodata).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base's name
        """Keep quiet: what was asked for is in `requests`."""
