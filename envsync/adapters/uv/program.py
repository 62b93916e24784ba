"""uv as a program: how it is called, what it calls machines, what it says went wrong."""

from __future__ import annotations

import os
import re
import threading
from typing import TYPE_CHECKING

from uv import find_uv_bin

from envsync.model.channel import redact_url

if TYPE_CHECKING:
    from envsync import process
    from envsync.model.network import Network

_TARGETS = {
    "linux-64": "x86_64-unknown-linux-gnu",
    "linux-aarch64": "aarch64-unknown-linux-gnu",
    "linux-ppc64le": "powerpc64le-unknown-linux-gnu",
    "osx-64": "x86_64-apple-darwin",
    "osx-arm64": "aarch64-apple-darwin",
    "win-64": "x86_64-pc-windows-msvc",
}
# The manylinux targets that uv knows, by the minor version of glibc.
_MANYLINUX = (17, 28, *range(31, 41))
NEWEST_GLIBC = f"2.{_MANYLINUX[-1]}"
_LABEL = re.compile(r"^\W*(?:error|cause|Caused by)?:?\W*(?=\w|`)")
_ADVERT = re.compile(r" Consider using (?:`exclude-newer-package`|a higher `--python-version`).*")
_HEADINGS = {"[stderr]", "[stdout]"}
_CALLERS_PYTHON = ("CONDA_PREFIX", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")
_RETRIES = "UV_HTTP_RETRIES"
_TIMEOUT = "UV_HTTP_TIMEOUT"
UNSATISFIABLE = "No solution found"
_guard = threading.Lock()


def find_target(subdir: str, glibc: str | None) -> str:
    """Return uv's name for the machines of *subdir*, no newer in their C library than *glibc*."""
    target = _TARGETS[subdir]
    machine, _, rest = target.partition("-")
    if rest != "unknown-linux-gnu" or glibc is None or machine == "powerpc64le":
        return target
    fitting = [minor for minor in _MANYLINUX if minor <= int(glibc.split(".")[1])]
    return f"{machine}-manylinux_2_{max(fitting, default=17)}"


def command(*arguments: str) -> list[str]:
    """Return the words that call uv with *arguments*, heeding no configuration of the user's."""
    with _guard:  # it reads Python's own settings, which several threads can't do at a time
        program = find_uv_bin()
    return [program, *arguments, "--no-config", "--color", "never"]


def environment(network: Network | None = None) -> dict[str, str]:
    """Return this process's environment, and *network*, without another Python for uv.

    What the environment says of proxies counts before *network*, as it does for rattler.
    """
    own = {name: value for name, value in os.environ.items() if name not in _CALLERS_PYTHON}
    own["UV_NO_WRAP"] = "1"  # its reports are told line by line
    said = {name.lower() for name in own}
    found = network.list_variables() if network is not None else {}
    settings = {name: value for name, value in found.items() if name.lower() not in said}
    if network is not None and network.trusts_any_host:
        settings["UV_INSECURE_HOST"] = "*"
    if network is None:
        return own
    patience = {_TIMEOUT: str(max(1, round(network.timeout))), _RETRIES: "2"}
    return {**patience, **settings, **own}


def list_causes(stderr: str) -> list[str]:
    """Return uv's report without its own labels and without secrets, a line each."""
    told = (line for line in stderr.splitlines() if line.strip() not in _HEADINGS)
    lines = (_LABEL.sub("", _ADVERT.sub("", line)).strip() for line in told)
    return [redact_url(line) for line in lines if line and not line.startswith(UNSATISFIABLE)]


def tell(done: process.Completed) -> list[str]:
    """Return uv's report of a failure, a line each."""
    return list_causes(done.stderr) or [f"uv ended with status {done.status}"]
