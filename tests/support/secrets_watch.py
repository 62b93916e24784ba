"""Looks for secrets where every user of the machine can see them, and in files."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def find_in_files(secrets: Sequence[str], *roots: Path, but: Path) -> list[str]:
    """Return where a secret stands in a file below *roots*, other than those of *but*."""
    return [
        f"{path}: {secret}"
        for root in roots
        for path in root.rglob("*")
        if path.is_file() and but not in path.parents
        for secret in secrets
        if secret.encode() in path.read_bytes()
    ]


@contextlib.contextmanager
def watch_arguments(secrets: Sequence[str]) -> Iterator[list[str]]:
    """Look at the arguments of every process, as every user may; note those with a secret."""
    seen: list[str] = []
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.002):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    words = path.read_bytes()
                    seen.extend(secret for secret in secrets if secret.encode() in words)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()
