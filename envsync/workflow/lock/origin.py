"""What an environment is made from, as digests: cheap to take, and enough to see it again."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from envsync.prefix.receipt import Origin
from envsync.workflow.lock.pip.lines import names_files

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.model.environment import EnvironmentSpec


def find_origin(path: Path, spec: EnvironmentSpec | None) -> Origin:
    """Return the digests of the lock at *path* and of the files of *spec*, which it answers.

    Where those name others, which may change, the definition counts as unknown.

    Raises:
        OSError: the lock can't be read.
    """
    return Origin(lock=digest_file(path), definition=_digest_definition(spec) if spec else "")


def digest_file(path: Path) -> str:
    """Return the sha256 of the file at *path*, with its kind in front."""
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def _digest_definition(spec: EnvironmentSpec) -> str:
    if names_files(spec):
        return ""
    digest = hashlib.sha256()
    for path in spec.files:
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode() + content)
    return "sha256:" + digest.hexdigest()
