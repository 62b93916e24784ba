"""An image as a Dockerfile and its layers, for those who build elsewhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envsync.model.image import ImageSettings

_HEAD = """\
# Written by envsync. Building it runs nothing and needs no network, but for the base image.
"""


def dump_dockerfile(
    base: str, *, layers: Sequence[str], before: ImageSettings, after: ImageSettings
) -> str:
    """Return a Dockerfile that adds *layers*, paths of tar archives, to the image *base*.

    *before* are the settings of *base*, and *after* those that the image is to have.
    """
    lines = [f"FROM {base}", *(f"ADD {path} /" for path in layers)]
    known = set(before.environment)
    for entry in after.environment:
        if entry not in known:
            name, _, value = entry.partition("=")
            lines.append(f"ENV {name}={_quote(value)}")
    lines += [
        f"LABEL {_quote(key)}={_quote(value)}"
        for key, value in after.labels
        if (key, value) not in before.labels
    ]
    if after.command != before.command:
        lines.append(f"CMD {json.dumps(list(after.command))}")
    return _HEAD + "\n".join((*lines, ""))


def _quote(text: str) -> str:
    """Return *text* as a word that a Dockerfile's reader takes for itself."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'
