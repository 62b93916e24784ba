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
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / f"debian-{SUITE}-minbase-{platform.machine()}.tar"
    with (cache / ".base-image.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            _make(target)
    return target


def reference_for(archive: Path) -> str:
    """Return the name and tag under which an engine has *archive*."""
    with archive.open("rb") as stream:
        digest = hashlib.sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
    return f"envsync-test-base:{digest.hexdigest()[:12]}"


def make_engine_root(cache: Path) -> Path:
    """Return a newer Debian's root file system with its Docker Engine, making it if need be."""
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / f"debian-{NEWER_SUITE}-docker-{platform.machine()}"
    with (cache / ".engine-root.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            with tempfile.TemporaryDirectory(prefix=".engine-root-", dir=cache) as name:
                root = Path(name) / "root"
                _bootstrap(NEWER_SUITE, root, "--include=docker.io")
                root.rename(target)
    return target


def _make(target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".base-image-", dir=target.parent) as name:
        root = Path(name) / "root"
        _bootstrap(SUITE, root)
        archive = Path(name) / "root.tar"
        tar = ["tar", "--numeric-owner", "-C", str(root), "-cf", str(archive), "."]
        subprocess.run(tar, check=True)
        archive.rename(target)


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
