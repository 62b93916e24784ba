"""The model dir: finding it, and drawing what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LONGEST_TREE = 200


def check_model_dir(path: Path) -> Path:
    """Return *path* made absolute.

    Raises:
        DefinitionError: it is no directory; what lies beside it is shown.
    """
    directory = path.absolute()
    if directory.is_dir():
        return directory
    if directory.exists():
        raise DefinitionError(
            f"Model dir `{path}` is a file",
            hint=f"give its directory: `--model-dir {path.parent}`",
        )
    near = next(parent for parent in directory.parents if parent.is_dir())
    lines = [f"Model dir `{path}` is not there", f"  tried `{directory}`", f"  `{near}` holds"]
    lines += [f"    {line}" for line in draw_tree(near, depth=1).splitlines()]
    raise DefinitionError("\n".join(lines), hint="give the directory with `--model-dir`")


def draw_tree(directory: Path, *, depth: int = 8, limit: int = _LONGEST_TREE) -> str:
    """Return what is below *directory*, a line each and at most *limit*, directories first."""
    lines: list[str] = []
    for line in _tree_lines(directory, "", depth):
        if len(lines) == limit:
            lines.append("...")
            break
        lines.append(line)
    return "\n".join(lines) if lines else "(nothing)"


def _tree_lines(directory: Path, indent: str, depth: int) -> Iterator[str]:
    try:
        entries = sorted(directory.iterdir(), key=lambda entry: (entry.is_file(), entry.name))
    except OSError as error:
        yield f"{indent}({error.strerror})"
        return
    for entry in entries:
        if entry.is_dir():
            yield f"{indent}{entry.name}/"
            if depth > 1 and not entry.is_symlink():
                yield from _tree_lines(entry, indent + "  ", depth - 1)
        else:
            yield f"{indent}{entry.name}"
