"""The arguments of azureml-core's methods, which begin with a workspace."""

from __future__ import annotations

import os
import sys
import warnings
from typing import TYPE_CHECKING

from envsync.errors import DefinitionError, EnvsyncError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLATFORMS = {"linux": "Linux", "win32": "Windows", "darwin": "OSX"}
_NO_WORKSPACE = "envsync needs no workspace; leave it out"
_KNOWN = ("useDocker", "pushImageToWorkspaceAcr")


def check_workspace_arguments(
    workspace: object, platform: str | None, azureml: Mapping[str, object], *, use_docker: bool
) -> bool:
    """Return whether to build an image; no argument of `build_local` is ignored.

    Raises:
        TypeError: an argument is unknown.
        EnvsyncError: an argument asks for something that envsync can't do.
    """
    for name in azureml:
        if name not in _KNOWN:
            message = f"build_local() got an unexpected keyword argument '{name}'"
            raise TypeError(message)
    if workspace is not None:
        warnings.warn(_NO_WORKSPACE, stacklevel=3)
    wants_image = use_docker or bool(azureml.get("useDocker"))
    here = "Linux" if wants_image else _PLATFORMS.get(sys.platform, sys.platform)
    if platform is not None and platform.lower() != here.lower():
        what = (
            "Images are built for" if wants_image else "Environments are created for this machine,"
        )
        raise DefinitionError(
            f"{what} `{here}`, not `{platform}`",
            hint="lock for other machines with `LockOptions(subdirs=...)`, and build there",
        )
    if azureml.get("pushImageToWorkspaceAcr"):
        raise EnvsyncError(
            "There is no workspace whose registry an image could be pushed to",
            hint="leave out `pushImageToWorkspaceAcr`, and push the image with `docker push`",
        )
    return wants_image


def bind(
    method: str,
    given: tuple[object, ...],
    named: dict[str, object],
    order: tuple[str, ...],
    known: tuple[str, ...],
) -> dict[str, object]:
    """Return the arguments of *method* by name, without the workspace that may come first.

    Arguments that only azureml-core knows are accepted if they are None.
    """
    check_workspace(named.pop("workspace", None))
    positional = _drop_workspace(given)
    if len(positional) > len(order):
        message = f"{method}() takes {len(order)} positional arguments"
        raise TypeError(message)
    bound = dict(zip(order, positional, strict=False))
    for name, value in named.items():
        if name in bound or (name not in known and value is not None):
            message = f"{method}() got an unexpected keyword argument '{name}'"
            raise TypeError(message)
        bound[name] = value
    return bound


def check_workspace(workspace: object) -> None:
    """Warn that envsync does not use *workspace*, if there is one."""
    if workspace is not None:
        warnings.warn(_NO_WORKSPACE, stacklevel=4)


def _drop_workspace(given: tuple[object, ...]) -> tuple[object, ...]:
    """Return the positional arguments *given* without the workspace, which may be None.

    The argument after it is text, a path or a list, which a workspace is not.
    """
    if not given or isinstance(given[0], str | os.PathLike | list | tuple):
        return given
    check_workspace(given[0])
    return given[1:]
