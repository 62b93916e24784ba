"""Conda prefixes to start from: records, a history, and Python packages that pip put there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

SITE = "lib/python3.11/site-packages"
CHANNEL = "https://conda.anaconda.org/conda-forge/"


def add_record(prefix: Path, name: str, version: str = "1.0", **changes: Any) -> Path:
    """Put a record of conda's into *prefix*; `files` are made too."""
    meta = prefix / "conda-meta"
    meta.mkdir(parents=True, exist_ok=True)
    build = changes.pop("build", "0")
    record = {
        "name": name,
        "version": version,
        "build": build,
        "channel": CHANNEL,
        "subdir": "linux-64",
        "depends": [],
        "files": [],
        **changes,
    }
    path = meta / f"{name}-{version}-{build}.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    return path


def add_python(prefix: Path, version: str = "3.11.7", **changes: Any) -> None:
    """Put a Python into *prefix*, as far as its record goes."""
    add_record(prefix, "python", version, **changes)
    (prefix / SITE).mkdir(parents=True, exist_ok=True)


def add_wheel(prefix: Path, name: str, version: str = "1.0", **files: str) -> Path:
    """Put the metadata of a Python package into *prefix*; *files* replace or add to them."""
    folder = prefix / SITE / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    contents = {
        "METADATA": f"Name: {name}\nVersion: {version}\n\nVersion: 9\n",
        "INSTALLER": "pip\n",
    }
    for file, content in {**contents, **files}.items():
        (folder / file.replace("direct_url", "direct_url.json")).write_text(content, "utf-8")
    return folder


def add_history(prefix: Path, *lines: str) -> None:
    """Write conda's history of *prefix*."""
    path = prefix / "conda-meta/history"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(("==> 2026-01-01 00:00:00 <==", *lines, "")), encoding="utf-8")
