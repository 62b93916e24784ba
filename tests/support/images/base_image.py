"""Bare Debian systems: the smallest as an image, without Python and conda; one with an engine."""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from envsync.adapters.docker_engine import DockerEngine

SUITE = "bookworm"
NEWER_SUITE = "trixie"


def why_not() -> str | None:
    """Return what this machine or user lacks to make the image, or None."""
    if shutil.which("debootstrap") is None:
        return "needs debootstrap"
    if os.geteuid() != 0:
        return "needs root for debootstrap"
    return None


def make_base_archive(cache: Path) -> Path:
    """Return a tar of the root file system, making it if *cache* has none; that takes a minute."""
    return _make_once(cache / f"debian-{SUITE}-minbase-{platform.machine()}.tar", _make_archive)


def import_base(engine: DockerEngine, archive: Path) -> str:
    """Return the name of *archive* as an image of *engine*, importing it if needed."""
    reference = reference_for(archive)
    if engine.find_image(reference) is None:
        repository, _, tag = reference.partition(":")
        engine._client.api.import_image(str(archive), repository=repository, tag=tag)  # noqa: SLF001  # envsync itself imports no roots
    return reference


def reference_for(archive: Path) -> str:
    """Return the name and tag under which an engine has *archive*."""
    with archive.open("rb") as stream:
        digest = hashlib.sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
    return f"envsync-test-base:{digest.hexdigest()[:12]}"


def make_engine_root(cache: Path) -> Path:
    """Return a newer Debian's root file system with its Docker Engine, making it if need be."""
    return _make_once(cache / f"debian-{NEWER_SUITE}-docker-{platform.machine()}", _make_root)


def _make_once(target: Path, make: Callable[[Path], Path]) -> Path:
    """Return *target*; if it isn't there *make* makes it in a folder, and it is moved there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f".{target.name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as name:
                make(Path(name)).rename(target)
    return target


def _make_root(folder: Path) -> Path:
    root = folder / "root"
    _bootstrap(NEWER_SUITE, root, "--include=docker.io")
    return root


def _make_archive(folder: Path) -> Path:
    root, archive = folder / "root", folder / "root.tar"
    _bootstrap(SUITE, root)
    tar = ["tar", "--numeric-owner", "-C", str(root), "-cf", str(archive), "."]
    subprocess.run(tar, check=True)
    return archive


def _bootstrap(suite: str, root: Path, *options: str) -> None:
    command = ["debootstrap", "--variant=minbase", *options, suite, str(root), *_mirror()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = f"debootstrap failed: {done.stdout[-2000:]}{done.stderr}"
        raise RuntimeError(message)
    for emptied in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc"):
        shutil.rmtree(root / emptied, ignore_errors=True)


def _mirror() -> list[str]:
    """Return the mirror that this machine's apt uses for `SUITE`; debootstrap knows another."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    wanted = ["Created-By: Packages", f"Codename: {SUITE}"]
    done = subprocess.run([*command, *wanted], capture_output=True, text=True, check=False)
    return done.stdout.splitlines()[:1]
