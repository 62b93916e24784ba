"""`conda-meta/history`: what somebody asked conda for, transaction by transaction."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envsync.definition.conda.record import META, read_prefix_file
from envsync.definition.requirement.match_spec import MatchSpecError, parse_match_spec

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.definition.reading.report import Report

_LINE = re.compile(r"#\s*(?P<action>\w+)\s+specs:\s*(?P<specs>.*)")
_QUOTED = re.compile(r"'([^'\\]*(?:\\.[^'\\]*)*)'|\"([^\"\\]*(?:\\.[^\"\\]*)*)\"")
_ADDING = frozenset({"update", "install", "create", "neutered"})
_REMOVING = frozenset({"remove", "uninstall"})


def read_history(prefix: Path, report: Report) -> dict[str, str]:
    """Return the match specs that were asked for and not taken back, by package name.

    It is kept by conda and mamba; pixi and envsync leave the file empty.
    """
    path = prefix / META / "history"
    content = read_prefix_file(path, report) if path.exists() else None
    asked: dict[str, str] = {}
    for line in (content or b"").decode("utf-8", errors="replace").splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        for text in _split(match["specs"]):
            name = _name_of(text)
            if name is None:
                continue
            if match["action"] in _REMOVING:
                asked.pop(name, None)
            elif match["action"] in _ADDING:
                asked[name] = text
    return asked


def _split(specs: str) -> list[str]:
    """Return the items of a list as Python or JSON writes it, or of the bare list of conda 4.3."""
    specs = specs.strip()
    if specs.startswith("["):
        return [single or double for single, double in _QUOTED.findall(specs)]
    return [text.strip() for text in specs.split(",") if text.strip()]


def _name_of(text: str) -> str | None:
    try:
        return parse_match_spec(text).name
    except MatchSpecError:
        return None
