"""What installed packages say of where they came from (PEP 610)."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from typing import TYPE_CHECKING

from envsync.package.pip_record import read_metadata_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NAME = "direct_url.json"


def name_repositories(site_packages: Path, urls: Mapping[str, str]) -> None:
    """Let packages in *site_packages* name the repositories that they are from.

    *urls* has a repository's own address by that of the copy which was installed from, and which
    is of no use to anybody else.
    """
    for path in site_packages.glob(f"*.dist-info/{_NAME}"):
        content = json.loads(read_metadata_file(path.parent, _NAME))
        url = urls.get(content.get("url", ""))
        if url is not None:
            text = json.dumps({**content, "url": url}).encode()
            path.unlink()  # it may be a hard link to a cache
            path.write_bytes(text)
            _record(path, text)


def _record(path: Path, content: bytes) -> None:
    """Write the hash of *content* into the RECORD beside *path*."""
    record = path.with_name("RECORD")
    own = f"{path.parent.name}/{path.name}"
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    row = [own, f"sha256={digest}", str(len(content))]
    rows = csv.reader(read_metadata_file(path.parent, "RECORD").decode("utf-8").splitlines())
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(
        row if each and each[0] == own else each for each in rows
    )
    record.unlink()
    record.write_text(stream.getvalue(), encoding="utf-8")
