"""Rules about the channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.definition.edit.text_edit import RemoveItem
from envsync.definition.rules.diagnosis import Diagnosis, note, warning
from envsync.model.text.redaction import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envsync.definition.rules.subject import Subject

_ANACONDA = frozenset(("anaconda", "defaults", "free", "main", "msys2", "r"))


def check_channels_go_together(subject: Subject) -> Iterator[Diagnosis]:
    """Find Anaconda's own channels beside conda-forge: their packages are not built to fit."""
    channels = () if subject.conda is None else subject.conda.channels
    named = {_last_part(channel.text): channel for channel in reversed(channels)}
    if "conda-forge" not in named:
        return
    for channel in channels:
        if _last_part(channel.text) in _ANACONDA:
            message = f"{quote(channel.text)} and `conda-forge` do not build for each other"
            yield warning("mixed-channels", channel.finding(message, "keep one of the two"))


def check_channels_are_named(subject: Subject) -> Iterator[Diagnosis]:
    """Find definitions that leave it to conda where packages come from."""
    conda = subject.conda
    if conda is not None and conda.items and not conda.channels:
        message = "no channel is named, which means `defaults`, under Anaconda's terms"
        yield note("no-channels", conda.root.finding(message, "add `channels: [conda-forge]`"))


def check_channels_are_there_once(subject: Subject) -> Iterator[Diagnosis]:
    """Find channels that are named again."""
    seen = set()
    for channel in () if subject.conda is None else subject.conda.channels:
        if channel.text in seen:
            fix = channel.fix(RemoveItem(path=channel.path), "remove it")
            message = f"{quote(channel.text)} is named above"
            yield warning("duplicate-channel", channel.finding(message, "remove it"), fix)
        seen.add(channel.text)


def _last_part(channel: str) -> str:
    """Return the name of *channel*, which may be an address."""
    return channel.strip().rstrip("/").rpartition("/")[2]
