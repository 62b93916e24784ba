"""Arguments that scripts for azureml-core pass on to a workspace."""

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
    """Return whether an image is wanted; nothing that `build_local` was given is ignored.

    Raises:
        TypeError: an argument is unknown; azureml-core hands it to the service.
        EnvsyncError: it asks for what envsync can't do.
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
        what = "Images are made for" if wants_image else "An environment is made for this machine,"
        raise DefinitionError(
            f"{what} `{here}`, not `{platform}`",
            hint="lock for other machines with `LockOptions(subdirs=...)`, and make it there",
        )
    if azureml.get("pushImageToWorkspaceAcr"):
        raise EnvsyncError(
            "There is no workspace whose registry an image could be pushed to",
            hint="push it with `envsync build-local --push`",
        )
    return wants_image


def drop_workspace(given: tuple[object, ...]) -> tuple[object, ...]:
    """Return the positional arguments *given* without the workspace, which may be None.

    What the SDK's methods take after it is text, a path or a list, which no workspace is.
    """
    if not given or isinstance(given[0], str | os.PathLike | list | tuple):
        return given
    check_workspace(given[0])
    return given[1:]


def check_workspace(workspace: object) -> None:
    """Say that *workspace* is of no use here, if there is one."""
    if workspace is not None:
        warnings.warn(_NO_WORKSPACE, stacklevel=4)
