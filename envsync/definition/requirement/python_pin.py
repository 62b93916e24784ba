"""The Python a definition asks for, and what the Azure ML SDK makes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.definition.requirement.match_spec import MatchSpecError, parse_match_spec

if TYPE_CHECKING:
    from collections.abc import Iterable

# What azureml-core 1.61 puts where it cannot read a version.
SDK_DEFAULT = "python=3.10.18"

# Copied in behaviour from `CondaDependencies`: where a name ends, and what a version is.
_SDK_NAME_END = re.compile(r"[\[=|<>~!]")
_SDK_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?(?:[ab]\d+)?$")


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonPin:
    """Which Python the match specs of a definition mean, to conda and to the SDK.

    *asked* are the items that conda takes for Python, as written; all of them must hold at once.
    *sdk_reads* is the version that the SDK takes from the first item it takes for Python, which
    is the excluded bound of a range; None where it finds none. *sdk_saves* are the Python items
    after `Environment.from_conda_specification`, which puts its own default in the place of what
    it cannot read, or beside it.
    """

    asked: tuple[str, ...]
    sdk_reads: str | None
    sdk_saves: tuple[str, ...]

    @property
    def survives_sdk(self) -> bool:
        """Tell whether the SDK would keep what the author asked for."""
        return self.sdk_saves == self.asked


def python_pin(match_specs: Iterable[str]) -> PythonPin:
    """Return what *match_specs* ask of Python, and what the SDK would have made of it."""
    asked = []
    saved = []
    sdk_item = None
    for text in match_specs:
        is_sdk_python = _SDK_NAME_END.split(text, maxsplit=1)[0] == "python"
        if is_python(text):
            asked.append(text)
        if is_sdk_python and sdk_item is None:
            sdk_item = text
            saved.append(text if _read_as_sdk(text) else SDK_DEFAULT)
        elif is_python(text):
            saved.append(text)
    if sdk_item is None:
        saved.append(SDK_DEFAULT)
    return PythonPin(
        asked=tuple(asked),
        sdk_reads=None if sdk_item is None else _read_as_sdk(sdk_item),
        sdk_saves=tuple(saved),
    )


def is_python(text: str) -> bool:
    """Tell whether the match spec *text* is about Python itself."""
    try:
        return parse_match_spec(text).name == "python"
    except MatchSpecError:
        return False


def _read_as_sdk(text: str) -> str | None:
    match = _SDK_VERSION.search(text)
    return None if match is None else match.group()
