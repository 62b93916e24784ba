"""Finding the entry script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A place where the entry script may be, and the app root that it would mean."""

    path: Path
    app_root: Path


def candidates_in(directory: Path, entry_script: str) -> tuple[Candidate, ...]:
    """Return where a definition in *directory* may mean *entry_script* to be.

    Azure ML's SDK writes `AZUREML_ENTRY_SCRIPT` either as a path in the source directory, or
    with the name of that directory in front; the app root is then the directory above.
    """
    inside = Candidate(path=directory / entry_script, app_root=directory)
    above = Candidate(path=directory.parent / entry_script, app_root=directory.parent)
    parts = entry_script.replace("\\", "/").split("/")
    if len(parts) > 1 and parts[0] == directory.name:
        return (inside, above)
    return (inside,)


def find_entry_script(candidates: Sequence[Candidate]) -> Candidate:
    """Return the first of *candidates* that is a file.

    Raises:
        DefinitionError: none is; it lists them all.
    """
    for candidate in candidates:
        if candidate.path.is_file():
            return candidate
    tried = [f"  tried `{candidate.path}`" for candidate in candidates]
    raise DefinitionError(
        "\n".join((f"Entry script `{candidates[0].path.name}` is not there", *tried)),
        hint="give its path with `--entry-script`",
    )
