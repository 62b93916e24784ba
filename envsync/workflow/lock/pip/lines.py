"""The lines of the requirements files that a definition names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envsync.model.environment import EnvironmentSpec

_NAMES_A_FILE = re.compile(r"(?:-r|-c|--requirement|--constraint)\b")


def names_files(spec: EnvironmentSpec) -> bool:
    """Tell whether *spec* has `-r` or `-c` files, which are part of what it says."""
    options = spec.conda.pip_options if spec.conda is not None else ()
    return any(_NAMES_A_FILE.match(option) for option in options)


def list_file_options(spec: EnvironmentSpec) -> tuple[str, ...]:
    """Return the options in the `-r` and `-c` files of *spec*: indexes and their logins for one.

    Raises:
        DefinitionError: a file is missing, or a line in one is none that pip takes.
    """
    if not names_files(spec):
        return ()
    from envsync.definition.requirement.pip_section import read_pip_section

    return read_pip_section(spec)[0].options


def list_pip_lines(spec: EnvironmentSpec) -> tuple[str, ...]:
    """Return what the `-r` and `-c` files of *spec* ask for, which decides a lock as it does.

    A definition that names none costs nothing.

    Raises:
        DefinitionError: a file is missing, or a line in one is none that pip takes.
    """
    if not names_files(spec):
        return ()
    from envsync.definition.requirement.pip_section import read_pip_section

    section, _ = read_pip_section(spec)
    own = set(spec.conda.pip_requirements) if spec.conda is not None else set()
    return (
        *(each.text for each in section.requirements if each.text not in own),
        *(f"-c {each.text}" for each in section.constraints),
    )
