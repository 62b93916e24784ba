"""An image as a Dockerfile and its layers, to build it elsewhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.remedy import Option, advise

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

    *before* are the settings of *base*, and *after* those of the new image. A label that it does
    not have is set to nothing, as a Dockerfile can't remove one.

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
    """Return the line that sets *name* to *value*, each as one word of a Dockerfile."""
    for text in (name, value):
        if len(text.splitlines()) > 1 or text.endswith("\n"):
            raise DefinitionError(
                f"`{name}` has a line break, which a Dockerfile can't contain",
                hint=advise(
                    "set it when you run the image, or build the image with ",
                    Option("output"),
                    " or ",
                    Option("push"),
                ),
            )
    key = name if name.isidentifier() else _quote(name)
    return f"{instruction} {key}={_quote(value)}"


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'
