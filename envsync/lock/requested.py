"""What a lock was asked for, kept in it so that freshness can be told without solving."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.model.channel import DEFAULT_CHANNELS, redact_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envsync.model.environment import EnvironmentSpec

MATCH_SPECS_KEY = "envsync.match-specs"
PIP_KEY = "envsync.pip-requirements"


@dataclass(frozen=True, kw_only=True, slots=True)
class Requested:
    """The part of a definition that decides what is locked, without secrets.

    *channels* keep their order. *match_specs* and *pip* are sorted; *pip* holds requirements
    and options alike.
    """

    channels: tuple[str, ...]
    match_specs: tuple[str, ...]
    pip: tuple[str, ...]


def list_requested(spec: EnvironmentSpec, pip_lines: Sequence[str] = ()) -> Requested:
    """Return what *spec* asks of a lock; *pip_lines* are those of the files that it names.

    A definition without channels means conda's default ones. One with a `pip:` section needs
    pip itself, as conda and conda-lock see it.
    """
    conda = spec.conda
    if conda is None:
        return Requested(channels=DEFAULT_CHANNELS, match_specs=(), pip=())
    channels = tuple(redact_url(name.strip()) for name in conda.channels if name != "nodefaults")
    specs = {" ".join(text.split()) for text in conda.match_specs}
    if conda.has_pip_section:
        specs.add("pip")
    pip = (*conda.pip_options, *conda.pip_requirements, *pip_lines)
    return Requested(
        channels=channels or DEFAULT_CHANNELS,
        match_specs=tuple(sorted(redact_url(text) for text in specs)),
        pip=tuple(sorted(redact_url(text.strip()) for text in pip)),
    )


def dump_requested(requested: Requested) -> tuple[tuple[str, str], ...]:
    """Return *requested* as entries of a lock's custom metadata; channels have a key already."""
    return (
        (MATCH_SPECS_KEY, _dump(requested.match_specs)),
        (PIP_KEY, _dump(requested.pip)),
    )


def parse_requested(
    channels: tuple[str, ...], metadata: Iterable[tuple[str, str]]
) -> Requested | None:
    """Return what a lock says it was asked for, None where it doesn't say it."""
    entries = dict(metadata)
    match_specs = _parse(entries.get(MATCH_SPECS_KEY))
    pip = _parse(entries.get(PIP_KEY))
    if match_specs is None or pip is None:
        return None
    return Requested(channels=channels, match_specs=match_specs, pip=pip)


def _dump(texts: tuple[str, ...]) -> str:
    return json.dumps(texts, ensure_ascii=False)


def _parse(text: str | None) -> tuple[str, ...] | None:
    try:
        values = json.loads(text) if text is not None else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return None
    return tuple(values)
