"""How large a source may be: as large as what Azure takes for a snapshot."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envsync.score.source.tree import SourceFile

_MEBIBYTE = 1 << 20
MOST_BYTES = 300 * _MEBIBYTE  # azureml-core's own limit
_SHOWN = 5


def check_size(source: Path, files: Sequence[SourceFile]) -> None:
    """Refuse the *files* of *source* if they are too large to be copied unasked.

    Raises:
        DefinitionError: they are; it names the largest of what lies in *source*.
    """
    size = sum(file.size for file in files)
    if size <= MOST_BYTES:
        return
    folders = {file.relative for file in files if file.is_folder}
    sizes: Counter[str] = Counter()
    for file in files:
        sizes[file.relative.partition("/")[0]] += file.size
    largest = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
    lines = [
        f"  {_dump(one)} in `{name}{'/' * (name in folders)}`"
        for name, one in largest
        if one >= _MEBIBYTE
    ]
    message = f"The source `{source}` has {_dump(size)}, and {_dump(MOST_BYTES)} are the limit"
    raise DefinitionError(
        "\n".join((message, *lines)),
        hint=f"list what the script does not need in `{source / '.amlignore'}`, as for Azure ML, "
        "or copy all of it: `--allow-large-source`, in Python `allow_large_source=True`",
    )


def _dump(size: int) -> str:
    return f"{size / _MEBIBYTE:.0f} MiB"
