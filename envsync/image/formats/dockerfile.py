"""An image as a Dockerfile and its layers, for those who build elsewhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError

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

    *before* are the settings of *base*, and *after* those that the image is to have. A label that
    it is not to have is made empty: none can be taken away.

    Raises:
        DefinitionError: a variable or label can't stand in a Dockerfile.
    """
    lines = [f"FROM {base}", *(f"ADD {path} /" for path in layers)]
    known = set(before.environment)
    added = [entry.partition("=") for entry in after.environment if entry not in known]
    lines += [_set("ENV", name, value) for name, _, value in added]
    kept = dict(after.labels)
    lines += [
        _set("LABEL", key, kept.get(key, ""))
        for key in {**dict(before.labels), **kept}
        if (key, kept.get(key, "")) not in before.labels
    ]
    if after.command != before.command:
        lines.append(f"CMD {json.dumps(list(after.command))}")
    return _HEAD + "\n".join((*lines, ""))


def _set(instruction: str, name: str, value: str) -> str:
    """Return the line that gives *name* its *value*, each as one word to who reads Dockerfiles."""
    for text in (name, value):
        if len(text.splitlines()) > 1 or text.endswith("\n"):
            raise DefinitionError(
                f"`{name}` has a line break, which a Dockerfile can't hold",
                hint="set it where the image is run, or make the image with `--output` or `--push`",
            )
    key = name if name.isidentifier() else _quote(name)
    return f"{instruction} {key}={_quote(value)}"


def _quote(text: str) -> str:
    """Return *text* as a word that a Dockerfile's reader takes for itself."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'
