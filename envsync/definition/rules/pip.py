"""Rules about the pip section."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from envsync.definition.edit.text_edit import InsertItem
from envsync.definition.requirement.pip_line import (
    PipLineError,
    check_pip_requirement,
    is_direct,
    parse_pip_option,
)
from envsync.definition.requirement.pip_requirement import is_beside, list_risks, parse_requirement
from envsync.definition.rules.diagnosis import Diagnosis, note, warning
from envsync.definition.rules.secrets import find_secret
from envsync.model.text.redaction import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envsync.definition.rules.subject import PipItem, Subject

# These are released together, under one version. Others named `azureml-` have their own.
_AZUREML_TRAIN = re.compile(
    r"azureml-(?:automl-.*|contrib-.*|core|dataset-runtime|defaults|explain-model|interpret"
    r"|pipeline.*|responsibleai|sdk|telemetry|tensorboard|train.*|widgets)"
)
_EXACT = re.compile(r"==\s*(\d+\.\d+)(?:\.|$|\s)")
_HOLDS = re.compile(r"==|~=|<")


def check_pip_is_asked_for(subject: Subject) -> Iterator[Diagnosis]:
    """Find a pip section without `pip` among the conda packages."""
    conda = subject.conda
    if conda is None or not conda.pip_sections:
        return
    if any(item.spec is not None and item.spec.name == "pip" for item in conda.items):
        return
    section = conda.pip_sections[0]
    *path, index, _ = section.path
    edit = InsertItem(path=tuple(path), index=int(index), item="pip")
    message = "`pip` is not among the dependencies; conda adds one of its choice, and complains"
    place = section._replace(node=section.key or section.node)
    finding = place.finding(message, "add `- pip` before it")
    yield warning("missing-pip", finding, section.fix(edit, "add `pip` before it"))


def check_one_pip_section(subject: Subject) -> Iterator[Diagnosis]:
    """Find a second pip section, which the Azure ML SDK takes for the only one."""
    sections = () if subject.conda is None else subject.conda.pip_sections
    for section in sections[1:]:
        message = "this is a second pip section; the Azure ML SDK shows the last one only"
        yield warning("two-pip-sections", section.finding(message, "join the two"))


def check_azureml_is_pinned(subject: Subject) -> Iterator[Diagnosis]:
    """Find packages of Azure ML of which pip may take a release that is years old."""
    for item in _find_azureml(subject):
        if not _HOLDS.search(item.line) and "@" not in item.line:
            message = f"{quote(item.line)} has no version; pip may go back years to find one"
            hint = f"pin it, `{item.name}==1.60.0` for one; pin all packages of Azure ML alike"
            yield warning("unpinned-azureml", item.value.finding(message, hint))


def check_azureml_agrees(subject: Subject) -> Iterator[Diagnosis]:
    """Find packages of Azure ML of different releases, which rarely go together."""
    pinned = [
        (item, match[1])
        for item in _find_azureml(subject)
        if _AZUREML_TRAIN.fullmatch(item.name or "") and (match := _EXACT.search(item.line))
    ]
    if not pinned:
        return
    usual, _ = Counter(version for _, version in pinned).most_common(1)[0]
    for item, version in pinned:
        if version != usual:
            message = f"{quote(item.line)} is of release {version}, others are of {usual}"
            yield warning("mixed-azureml", item.value.finding(message, "pin them alike"))


def check_pip_lines_can_be_locked(subject: Subject) -> Iterator[Diagnosis]:
    """Find requirements whose code may change, or be gone, after they have been locked."""
    for item in () if subject.conda is None else subject.conda.pip_items:
        for message, hint in _list_risks(item.line):
            yield warning("not-reproducible", item.value.finding(message, hint))


def check_index_is_encrypted(subject: Subject) -> Iterator[Diagnosis]:
    """Find indexes and channels that anyone on the way can tamper with."""
    conda = subject.conda
    values = () if conda is None else (*conda.channels, *(item.value for item in conda.pip_items))
    for value in values:
        if re.search(r"(?<!\w)http://(?!localhost|127\.)", value.text):
            message = f"{quote(value.text)} is not encrypted"
            yield warning("insecure-address", value.finding(message, "write `https://`"))
        elif re.match(r"--trusted-host\b", value.text):
            message = "a trusted host's certificate is not checked"
            yield note("insecure-address", value.finding(message))


def _find_azureml(subject: Subject) -> Iterator[PipItem]:
    for item in () if subject.conda is None else subject.conda.pip_items:
        if item.name is not None and item.name.startswith("azureml-"):
            yield item


def _list_risks(line: str) -> Iterator[tuple[str, str | None]]:
    """Yield what keeps *line* from being locked for good: what is the case, what to do."""
    option, text = "", line
    try:
        if line.startswith("-"):
            option, text = parse_pip_option(line)
        elif _needs_a_look(line):
            check_pip_requirement(line)
    except PipLineError:
        return
    if option == "--find-links" and "://" not in text and not is_beside(text):
        message = f"{quote(text)} lies on this machine only"
        yield message, "put it beside the definition, or use an index"
    is_editable = option == "--editable"
    if not is_editable and (option or not _needs_a_look(text)):
        return
    for what, hint in list_risks(parse_requirement(text, is_editable=is_editable)):
        if what.startswith("may hold a secret") and find_secret(line) is not None:
            continue  # which has a rule of its own
        yield f"{quote(text)} {what}", hint


def _needs_a_look(line: str) -> bool:
    """Tell whether *line* is more than a name and its versions."""
    return is_direct(line) or " @" in line or "${" in line
