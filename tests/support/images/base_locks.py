"""What a lock says of its base image, read and bent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.lock.reader import load_lockfile

if TYPE_CHECKING:
    from pathlib import Path


def locked_base(directory: Path) -> str:
    metadata = dict(load_lockfile(directory / "conda-lock.yml").custom_metadata)
    return metadata["envsync.base-image"]


def move_digest(directory: Path, *, before: str, after: str) -> None:
    lock = directory / "conda-lock.yml"
    text = lock.read_text(encoding="utf-8")
    assert before in text
    lock.write_text(text.replace(before, after), encoding="utf-8")
