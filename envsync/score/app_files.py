"""How a service's files lie below its app root, as Azure ML's LocalWebservice has them.

The source lies in a folder of its own, `.source-VERSION`, and is reached through a link under
its name. So new source comes in one step, and the old is there until then.
"""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError, EnvsyncError
from envsync.files import open_regular
from envsync.score.models.tree import ModelRules, list_model
from envsync.score.source.size import check_size
from envsync.score.source.tree import SourceRules, check_readable, list_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envsync.model.scoring.service import AppFiles

MODELS = "azureml-models"
_FIRST = "1"
_MAIN = "main.py"
_SOURCE = ".source-"
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class AppMember:
    """One thing below the app root; *origin* is the file it is a copy of, *target* where it links.

    What has neither is a folder.
    """

    path: str
    origin: Path | None = None
    target: str = ""


def entry_script_place(files: AppFiles) -> str:
    """Return where the entry script is, below the app root."""
    if files.source is None:
        return files.entry_script.name
    return f"{source_name(files)}/{files.entry_script.relative_to(files.source).as_posix()}"


def source_name(files: AppFiles) -> str:
    """Return what the source folder is called below the app root, empty where there is none."""
    if files.source is None:
        return ""
    name = files.source.name
    return "source" if name in ("", MODELS) or name.startswith(_SOURCE) else name


def list_app(files: AppFiles, left_out: frozenset[Path] = frozenset()) -> Iterator[AppMember]:
    """Yield all that a service is made of, but for the folders *left_out* of the source.

    Raises:
        DefinitionError: something can't be read, or the source is too large.
    """
    yield from list_models(files)
    yield from list_source(files, _FIRST, left_out)
    yield from list_links(files, _FIRST)


def list_models(files: AppFiles) -> Iterator[AppMember]:
    """Yield the models.

    Raises:
        DefinitionError: one can't be read, lies in the place of another, or has a link out of it.
    """
    yield AppMember(path=MODELS)
    seen: dict[str, Path] = {}
    for model in files.models:
        if seen.setdefault(model.place, model.path) != model.path:
            message = f"`{seen[model.place]}` and `{model.path}` would both be `{model.place}`"
            raise DefinitionError(message, hint="give them names or versions of their own")
        for parent in reversed(PurePosixPath(model.place).parents[:-2]):
            yield AppMember(path=str(parent))
        rules = ModelRules(follows_links=files.follows_links, within=model.within, is_whole=False)
        if model.path.is_dir():
            yield AppMember(path=model.place)
        for one in list_model(model.path, rules):
            place = f"{model.place}/{one.relative}" if one.relative else model.place
            yield AppMember(path=place, origin=None if one.is_folder else one.path)


def list_source(
    files: AppFiles, version: str, left_out: frozenset[Path] = frozenset()
) -> Iterator[AppMember]:
    """Yield the source as *version*, which is used once it is linked; see `list_links`.

    A model that lies in the source folder is not copied twice: a link leads to it. Its size is
    checked before the first thing is yielded.

    Raises:
        DefinitionError: something can't be read, or the source is too large.
    """
    folder = source_folder(version)
    yield AppMember(path=folder)
    if files.source is None:
        check_readable(files.entry_script)
        yield AppMember(path=f"{folder}/{files.entry_script.name}", origin=files.entry_script)
        return
    rules = SourceRules(
        elsewhere={model.path.resolve(): model.place for model in files.models},
        left_out=left_out,
        follows_links=files.follows_links,
    )
    found = tuple(list_tree(files.source, rules))
    if not files.allows_large:
        check_size(files.source, found)
    _check_has_script(files, {one.relative for one in found})
    for one in found:
        place = f"{folder}/{one.relative}"
        if one.elsewhere:
            yield AppMember(path=place, target=_relative(one.elsewhere, place))
        else:
            yield AppMember(path=place, origin=None if one.is_folder else one.path)


def list_links(files: AppFiles, version: str) -> Iterator[AppMember]:
    """Yield what makes the source *version* the one that is used."""
    folder = source_folder(version)
    if files.source is not None:
        yield AppMember(path=source_name(files), target=folder)
        return
    name = files.entry_script.name
    for link in dict.fromkeys((_MAIN, name)):
        yield AppMember(path=link, target=f"{folder}/{name}")


def source_folder(version: str) -> str:
    """Return the folder that holds the source *version*."""
    return f"{_SOURCE}{version}"


def link_path(files: AppFiles) -> str:
    """Return the path of the link whose target tells which version is used."""
    return next(list_links(files, "0")).path


def version_of(target: str) -> str:
    """Return the version that a link to *target* means."""
    return target.partition("/")[0].removeprefix(_SOURCE)


def write_members(members: Iterable[AppMember], root: Path) -> None:
    """Copy *members* below *root*; a link that is there already is replaced in one step.

    Nobody but this user can read what is made, whatever the mode of its origin and the umask.

    Raises:
        EnvsyncError: there is no room, or no permission.
    """
    path = root
    try:
        for member in members:
            path = root / member.path
            if member.target:
                aside = path.with_name(f".{path.name}.new")
                aside.unlink(missing_ok=True)
                aside.symlink_to(member.target)
                aside.replace(path)
            elif member.origin is None:
                path.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
                path.chmod(stat.S_IRWXU)
            else:
                _copy_file(member.origin, path)
    except OSError as error:
        raise EnvsyncError(f"Cannot write `{path}`: {error.strerror or error}") from error


def _copy_file(origin: Path, path: Path) -> None:
    """Copy the file *origin* with its times; of its mode what its owner may do."""
    with open_regular(origin) as incoming:
        facts = os.fstat(incoming.fileno())
        mode = (facts.st_mode & stat.S_IRWXU) | stat.S_IRUSR | stat.S_IWUSR
        descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, stat.S_IRUSR | stat.S_IWUSR
        )
        with os.fdopen(descriptor, "wb") as outgoing:
            shutil.copyfileobj(incoming, outgoing, _CHUNK)
    path.chmod(mode)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def _check_has_script(files: AppFiles, found: set[str]) -> None:
    if files.source is None:
        return
    script = files.entry_script.relative_to(files.source).as_posix()
    if ".." in script.split("/"):
        raise DefinitionError(
            f"The entry script `{script}` lies outside of the source `{files.source}`",
            hint="a service gets a copy of its source: move the script there, or name its folder",
        )
    if script not in found:
        raise DefinitionError(
            f"The entry script `{script}` is left out of the source `{files.source}`",
            hint="take it out of `.amlignore`, or of `.gitignore` where there is none",
        )


def _relative(target: str, place: str) -> str:
    """Return the way from the link at *place* to *target*."""
    return f"{'../' * place.count('/')}{target}"
