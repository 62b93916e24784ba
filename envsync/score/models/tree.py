"""What of a model, a file or a folder, is copied.

The model may itself be a link, since the user named it. What links in it lead to has to lie in the
model as well, or in the blobs of the Hugging Face cache that the model lies in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError
from envsync.score.source.tree import (
    TOOLS,
    SourceFile,
    SourceRules,
    check_copyable,
    check_readable,
    leads_out,
    list_tree,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRules:
    """How a model is read: links out of it are followed if *follows_links*.

    Nobody named one that is found in the folder *within*, so it may be no link out of there.
    Where *is_whole* all is copied, and what can't be is refused; otherwise that stays behind, and
    so does what tools keep.
    """

    follows_links: bool = False
    within: Path | None = None
    is_whole: bool = True


def list_model(model: Path, rules: ModelRules) -> Iterator[SourceFile]:
    """Yield what the *model* holds, as `list_tree` does; of a file that alone, as "".

    Raises:
        DefinitionError: something can't be read, or a link leads where it may not.
    """
    try:
        facts = model.stat()
        real = model.resolve()
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise DefinitionError(f"Cannot read `{model}`: {reason}") from error
    if rules.within is not None and not rules.follows_links:
        _check_within(model, real, rules.within)
    check_copyable(model, facts)
    if real.is_file():
        check_readable(model)
        yield SourceFile(relative="", path=model, size=facts.st_size)
        return
    wanted = SourceRules(
        kind="model",
        names_left_out=frozenset() if rules.is_whole else TOOLS,
        follows_links=rules.follows_links,
        shared=_find_blobs(real),
        is_strict=rules.is_whole,
    )
    yield from list_tree(model, wanted)


def _check_within(model: Path, real: Path, folder: Path) -> None:
    if not real.is_relative_to(folder.resolve()):
        raise leads_out(model, real, f"`{folder}`")


def _find_blobs(folder: Path) -> Path | None:
    """Return where Hugging Face's cache keeps the files of the snapshot *folder* lies in.

    They are in `models--OWNER--NAME/blobs`, and `snapshots/REVISION` beside that has links there.
    """
    for revision in (folder, *folder.parents):
        snapshots = revision.parent
        if snapshots.name == "snapshots" and snapshots.parent.name.startswith("models--"):
            return snapshots.parent / "blobs"
    return None
