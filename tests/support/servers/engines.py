"""A Docker Engine of a test's own, which may die and whose disk may be full."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envsync.adapters.docker_engine import DockerEngine

_DRIVERS = ("overlay2", "vfs")  # the second works wherever the first does not
_SNAPSHOTTERS = ("overlayfs", "native")  # what those are to containerd
_START_SECONDS = 20

# Brings loopback up (SIOCSIFFLAGS, with IFF_UP and IFF_RUNNING), and becomes the rest.
_WITH_LOOPBACK = """
import fcntl, os, socket, struct, sys
with socket.socket() as sock:
    fcntl.ioctl(sock, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
os.execvp(sys.argv[1], sys.argv[1:])
"""
# Becomes the rest with another root, where it sees this machine's devices and /tmp.
_WITH_ROOT = """
set -e
mount --bind "$0" "$0"
for place in proc sys dev; do mount --rbind "/$place" "$0/$place"; done
mount --bind /tmp "$0/tmp"
mount -t tmpfs none "$0/run"
cd "$0"
mkdir -p old
pivot_root . old
umount --lazy /old
exec "$@"
"""
ALONE = ("unshare", "--net", sys.executable, "-c", _WITH_LOOPBACK)  # what follows has its network


def why_not() -> str | None:
    """Return what this machine or user lacks to run an engine, or None."""
    if shutil.which("dockerd") is None or shutil.which("unshare") is None:
        return "needs dockerd and unshare"
    return None if os.geteuid() == 0 else "needs root for dockerd"


def find_config(engine: DockerEngine, reference: str) -> str | None:
    """Return the digest of the config of the image *reference*, None if *engine* has none.

    It is the image's id, but where an engine goes by the digests of manifests.
    """
    facts = engine.inspect(reference)
    if facts is None or engine.layer_store() != "content":
        return facts and str(facts["Id"])
    archive = b"".join(engine.save(reference))
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        stream = opened.extractfile("manifest.json")
        assert stream is not None
        return f"sha256:{Path(json.load(stream)[0]['Config']).stem}"


class OwnEngine:
    """An engine with all that is its own below *folder*, and a network of its own.

    In this machine's network it would take away the bridge of the engine that is there already.
    Its containers have a network only if it *has_bridge*; see `enter`. One of the Debian at *root*
    keeps its images in containerd.
    """

    def __init__(self, folder: Path, *, has_bridge: bool = False, root: Path | None = None) -> None:
        self.host = f"unix://{folder}/docker.sock"
        self._has_bridge = has_bridge
        self._root = root
        self.data = folder / "data"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        for driver in _DRIVERS if self._root is None else _SNAPSHOTTERS:
            if self._start(driver):
                return
        message = f"dockerd does not start: {(self._folder / 'log').read_text()[-2000:]}"
        raise RuntimeError(message)

    @property
    def enter(self) -> list[str]:
        """What a command begins with that is to run in the engine's network."""
        assert self._process is not None
        return ["nsenter", f"--net=/proc/{self._process.pid}/ns/net"]

    def kill(self) -> None:
        """End it at once, as if its machine had failed."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        with contextlib.suppress(OSError, ValueError):  # its own helper, which outlives it
            text = (self._folder / "exec/containerd/containerd.pid").read_text()
            os.kill(int(text), signal.SIGKILL)
        shutil.rmtree(self._folder / "exec", ignore_errors=True)  # or the next one waits for it
        (self._folder / "pid").unlink(missing_ok=True)
        self._process = None

    def stop(self) -> None:
        """End it properly, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def _start(self, driver: str) -> bool:
        folder = self._folder
        config = folder / "config.json"
        config.write_text(json.dumps({"features": {"containerd-snapshotter": bool(self._root)}}))
        root = ["unshare", "--mount", "sh", "-c", _WITH_ROOT, str(self._root)]
        command = [*ALONE, *(root if self._root else ()), "dockerd", "--config-file", str(config)]
        command += ["--host", self.host, "--data-root", str(self.data)]
        command += ["--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid"]
        command += ["--iptables=false", "--storage-driver", driver]
        command += [] if self._has_bridge else ["--bridge=none"]
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until = time.monotonic() + _START_SECONDS
        while self._process.poll() is None and time.monotonic() < until:
            ask = ["docker", "--host", self.host, "version"]
            if subprocess.run(ask, capture_output=True, check=False).returncode == 0:
                return True
            time.sleep(0.1)
        self.stop()
        return False


@contextlib.contextmanager
def run_engine(
    *, disk: str | None = None, has_bridge: bool = False, root: Path | None = None
) -> Iterator[OwnEngine]:
    """Run an engine, on a *disk* of its own with so many bytes (`64m`) if that is said."""
    with tempfile.TemporaryDirectory(prefix="dockerd-", dir="/tmp") as name:  # its paths are short
        engine = OwnEngine(Path(name), has_bridge=has_bridge, root=root)
        engine.data.mkdir()
        with contextlib.ExitStack() as stack:
            if disk is not None:
                mount = ["mount", "-t", "tmpfs", "-o", f"size={disk}", "none", str(engine.data)]
                subprocess.run(mount, check=True)
            stack.callback(_unmount, name)
            stack.callback(engine.stop)
            engine.start()
            yield engine


def _unmount(folder: str) -> None:
    """Unmount whatever is mounted below *folder*: engines that are killed leave that."""
    places = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for place in reversed([it for it in places if it.startswith(f"{folder}/")]):
        command = ["umount", "--lazy", place]
        subprocess.run(command, check=True)
