"""Rules about packages that are asked for twice, or on the wrong side."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envsync.definition.edit.text_edit import RemoveItem
from envsync.definition.rules.diagnosis import Diagnosis, note, warning
from envsync.model.text.redaction import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envsync.definition.rules.document import Value
    from envsync.definition.rules.subject import Subject

# Programs and libraries that conda has, and of which PyPI has nothing or something else.
_CONDA_ONLY = frozenset(
    ("conda", "cudatoolkit", "cudnn", "gcc", "libgcc", "nodejs", "openjdk", "openmpi", "python")
)
_PUBLIC_CHANNELS = frozenset(("anaconda", "conda-forge", "defaults", "main", "pytorch", "r"))


def check_packages_are_there_once(subject: Subject) -> Iterator[Diagnosis]:
    """Find packages that one side is asked for more than once."""
    if subject.conda is None:
        return
    specs = [(item.spec.name, item.value) for item in subject.conda.items if item.spec is not None]
    lines = [
        (item.name, item.value)
        for item in subject.conda.pip_items
        if item.name is not None and ";" not in item.line
    ]
    yield from _find_repeated(specs)
    yield from _find_repeated(lines)


def check_sides_do_not_overlap(subject: Subject) -> Iterator[Diagnosis]:
    """Find packages that conda and pip are both asked for; pip's would go over conda's."""
    conda = subject.conda
    if conda is None:
        return
    names = {item.spec.name: item.value for item in conda.items if item.spec is not None}
    for item in conda.pip_items:
        if item.name in names and item.name not in {"pip", "python"}:
            message = f"conda is asked for `{item.name}` too, as {quote(names[item.name].text)}"
            yield warning("conda-and-pip", item.value.finding(message, "keep one of the two"))


def check_packages_are_on_their_side(subject: Subject) -> Iterator[Diagnosis]:
    """Find conda packages under `pip:`, and packages that only pip has outside of it."""
    conda = subject.conda
    if conda is None:
        return
    for item in conda.pip_items:
        if item.name in _CONDA_ONLY and "@" not in item.line:
            message = f"pip cannot install `{item.name}`, which is a conda package"
            hint = f"write `- {item.name}` outside `pip:`"
            yield warning("misplaced-package", item.value.finding(message, hint))
    if not {channel.text for channel in conda.channels} <= _PUBLIC_CHANNELS:
        return
    for value, spec in ((item.value, item.spec) for item in conda.items):
        if spec is not None and spec.name.startswith("azureml-") and spec.channel is None:
            message = f"packages of Azure ML, such as `{spec.name}`, are published for pip"
            hint = "write it under `- pip:`"
            yield warning("misplaced-package", value.finding(message, hint))


def check_builds_are_free(subject: Subject) -> Iterator[Diagnosis]:
    """Find an export that pins builds, which exist for one subdir only."""
    items = () if subject.conda is None else subject.conda.items
    pinned = [item for item in items if item.spec is not None and _pins_build(item.spec.build)]
    if pinned:
        others = f" and {len(pinned) - 1} more pin" if len(pinned) > 1 else " pins"
        message = f"{quote(pinned[0].value.text)}{others} a build, which other subdirs lack"
        hint = "export with `conda env export --no-builds`, and lock with envsync"
        yield note("pinned-builds", pinned[0].value.finding(message, hint))


def _find_repeated(named: list[tuple[str, Value]]) -> Iterator[Diagnosis]:
    first: dict[str, Value] = {}
    for name, value in named:
        if name not in first:
            first[name] = value
        elif first[name].text.strip() == value.text.strip():
            yield warning(
                "duplicate-package",
                value.finding(f"{quote(value.text)} is there above", "remove it"),
                value.fix(RemoveItem(path=value.path), "remove it"),
            )
        elif name != "python":  # of which the reader says more
            message = f"{quote(first[name].text)} above and {quote(value.text)} must both hold"
            yield warning("duplicate-package", value.finding(message, "keep one of the two"))


def _pins_build(build: str | None) -> bool:
    return build is not None and bool(re.search(r"_\d+$|^\d+$", build)) and "*" not in build
