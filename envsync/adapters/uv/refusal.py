"""Indexes that refuse to answer, which uv takes for indexes that have nothing."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from envsync import process
from envsync.adapters.uv.build_gate import gate_builds, refuse_build
from envsync.adapters.uv.program import command, environment
from envsync.files import make_temporary
from envsync.model.channel import redact_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envsync.adapters.uv.origin import PipOrigin
    from envsync.model.network import Network

_STATUS = re.compile(r"\b(401 Unauthorized|403 Forbidden)\b")
_NOTHING = {"UV_EXTRA_INDEX_URL": "", "UV_FIND_LINKS": "", "UV_INDEX": ""}


def find_refusals(origin: PipOrigin, name: str, network: Network | None) -> tuple[str, ...]:
    """Say of each index of *origin* that it does not tell whether it has *name*, if so.

    Some answer 403 for what they don't have: those that show themselves are not meant.
    """
    found = []
    for index in dict.fromkeys(origin.list_indexes()):
        status = _ask(name, {"UV_DEFAULT_INDEX": index}, network)
        if status.startswith("403"):
            status = _ask(name, {"UV_NO_INDEX": "1", "UV_FIND_LINKS": f"{index}/"}, network)
        if status:
            found.append(f"`{redact_url(index)}` refuses to answer (`{status}`)")
    return tuple(found)


def _ask(name: str, settings: Mapping[str, str], network: Network | None) -> str:
    """Let uv look for *name* as *settings* say; return the status that it was refused with."""
    environ = {**environment(network), **_NOTHING, **settings}
    with make_temporary() as folder, gate_builds(folder / "gate", environ, refuse_build) as gated:
        done = process.run(
            [
                *command("pip", "compile", "-", "--quiet", "--no-deps"),
                *("--python", sys.executable, "--index-strategy", "first-index"),
            ],
            env=gated,
            stdin=name,
        )
    match = _STATUS.search(done.stderr)
    return match[1] if match is not None and done.status != 0 else ""
