"""Rules about values that are not what they seem."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envsync.definition.edit.scalar import is_ambiguous
from envsync.definition.edit.text_edit import Quote
from envsync.definition.rules.diagnosis import Diagnosis, note, warning
from envsync.yamlio import Scalar, is_null

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envsync.definition.rules.subject import Subject

# What every reader of YAML gives back as it was written.
_STABLE = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?|[0-9]+\.0")


def check_yaml_is_read_alike(subject: Subject) -> Iterator[Diagnosis]:
    """Find text that readers of YAML 1.1 or 1.2 take for numbers, dates or truth values."""
    if subject.conda is None:
        return
    variables = subject.conda.root.get("variables")
    values = [] if variables is None else [value for _, value in variables.entries()]
    name = subject.conda.root.get("name")
    for value in (*values, *(() if name is None else (name,)), *subject.conda.channels):
        node = value.node
        if not isinstance(node, Scalar) or not node.is_plain or is_null(node):
            continue
        if is_ambiguous(node.text) and not _STABLE.fullmatch(node.text):
            message = "not every reader of YAML takes this for the text that it looks like"
            fix = value.fix(Quote(path=value.path, text=node.text), "put it in quotes")
            yield warning("ambiguous-value", value.finding(message, "put it in quotes"), fix)


def check_boilerplate(subject: Subject) -> Iterator[Diagnosis]:
    """Find what tools leave behind, and nobody asked for."""
    if subject.environment is not None:
        example = subject.environment.get("environmentVariables", "EXAMPLE_ENV_VAR")
        if example is not None:
            message = "the Azure ML SDK puts this example into every new environment"
            yield note("boilerplate", example.finding(message, "remove it"))
    prefix = None if subject.conda is None else subject.conda.root.get("prefix")
    if prefix is not None:
        message = "this is where the environment lay on the machine that it was exported from"
        yield note("boilerplate", prefix.finding(message, "remove it"))


def check_names(subject: Subject) -> Iterator[Diagnosis]:
    """Find a name that Azure ML keeps for its own environments."""
    name = None if subject.environment is None else subject.environment.get("name")
    if name is not None and re.match(r"(?:azureml|microsoft)", name.text, re.IGNORECASE):
        message = "Azure ML keeps names that begin so for its own environments"
        yield note("reserved-name", name.finding(message, "rename it before you register it"))


def check_settings_take_effect(subject: Subject) -> Iterator[Diagnosis]:
    """Find settings that another setting makes useless."""
    environment = subject.environment
    if environment is None:
        return
    is_managed = environment.get("python", "userManagedDependencies")
    if is_managed is not None and is_managed.text == "true":
        if subject.conda is not None:
            message = "with this Azure ML does not use the conda dependencies"
            hint = "set it to false, or remove them"
            yield note("unused-setting", is_managed.finding(message, hint))
        return
    interpreter = environment.get("python", "interpreterPath")
    if interpreter is not None and interpreter.text not in {"", "python"}:
        message = "this is used only where `userManagedDependencies` is true"
        yield warning("unused-setting", interpreter.finding(message, "set it to `python`"))
