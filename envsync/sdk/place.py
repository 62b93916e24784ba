"""Where an environment is locked and built: in its author's directory, or in envsync's home."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from envsync import definition as definitions
from envsync.definition.azureml.environment_json import dump_environment
from envsync.definition.losses import find_left_behind
from envsync.definition.targets import hold_in_v1
from envsync.errors import DefinitionError
from envsync.files import lock_directory
from envsync.lock.reader import LOCKFILE_NAME
from envsync.prefix.location import find_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from envsync.model.environment import EnvironmentSpec


def find_lock(spec: EnvironmentSpec, source: Path | None) -> Path:
    """Return the path of the lock of *spec*, which was loaded from *source* if that is given."""
    directory = _draft_path(spec.name) if source is None else spec.directory
    return directory / LOCKFILE_NAME


@contextlib.contextmanager
def placed(spec: EnvironmentSpec, source: Path | None) -> Iterator[Path]:
    """Yield the path of a definition on disk that equals *spec*.

    This is *source*, which is never written to. Without a source it is a draft under envsync's
    home, locked for other processes until the end.

    Raises:
        DefinitionError: *source* differs from *spec*.
        EnvsyncError: the draft can't be written.
    """
    check_conda(spec)
    if source is not None:
        _check_saved(spec, source)
        yield source
        return
    draft = _draft_path(spec.name)
    with lock_directory(draft):
        _save_draft(spec, draft)
        yield draft


def check_conda(spec: EnvironmentSpec) -> None:
    """Refuse a definition that can't be loaded again.

    Raises:
        DefinitionError: *spec* has no conda dependencies, no user-managed ones and no Dockerfile.
    """
    has_image = bool(spec.base_dockerfile) or spec.build_context is not None
    if spec.conda is None and not spec.python.user_managed_dependencies and not has_image:
        raise DefinitionError(
            f"`{spec.name}` has no `python.conda_dependencies`, and they are not user-managed",
            hint="set `python.user_managed_dependencies` to True, or give a `CondaDependencies`",
        )


def is_same(one: EnvironmentSpec, other: EnvironmentSpec) -> bool:
    """Return whether two definitions are equal, apart from where they come from."""
    return _content(one) == _content(other)


def _check_saved(spec: EnvironmentSpec, source: Path) -> None:
    if not is_same(definitions.load(source).spec, spec):
        raise DefinitionError(
            f"`{source}` differs from the environment `{spec.name}`",
            hint=f'call `save_to_directory("{source}", overwrite=True)`, or load it again',
        )


def _draft_path(name: str | None) -> Path:
    if not name:
        raise DefinitionError("The environment has no name", hint="set its `name`")
    folder = quote(name, safe=" ")
    return find_home() / "drafts" / (f"%2E{folder[1:]}" if folder.startswith(".") else folder)


def _save_draft(spec: EnvironmentSpec, directory: Path) -> None:
    if left := find_left_behind(spec, directory):
        raise DefinitionError(
            left[0].message, hint="save the environment beside the file with `save_to_directory`"
        )
    definitions.save(hold_in_v1(spec), directory, overwrite=True)


def _content(spec: EnvironmentSpec) -> tuple[object, ...]:
    conda = None if spec.conda is None else replace(spec.conda, text="")
    return dump_environment(spec), conda, spec.base_dockerfile or None, spec.azureml_v2
