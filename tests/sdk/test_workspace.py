from __future__ import annotations

import sys
from typing import Any

import pytest

from envsync import DefinitionError, Environment, EnvsyncError
from envsync.sdk.workspace import check_workspace_arguments

HERE = {"linux": "Linux", "win32": "Windows", "darwin": "OSX"}[sys.platform]
ELSEWHERE = "Linux" if HERE == "Windows" else "Windows"


def test_a_workspace_is_warned_about() -> None:
    with pytest.warns(UserWarning, match="envsync needs no workspace"):
        check_workspace_arguments(object(), None, {}, use_docker=False)


@pytest.mark.parametrize("platform", [None, HERE, HERE.lower()])
@pytest.mark.parametrize(
    "azureml", [{}, {"useDocker": False}, {"useDocker": None, "pushImageToWorkspaceAcr": False}]
)
def test_what_is_done_anyway_is_no_error(platform: str | None, azureml: dict[str, Any]) -> None:
    assert not check_workspace_arguments(None, platform, azureml, use_docker=False)


@pytest.mark.parametrize("platform", [None, "Linux", "linux"])
@pytest.mark.parametrize(
    ("use_docker", "azureml"),
    [(True, {}), (False, {"useDocker": True}), (True, {"useDocker": True})],
)
def test_an_image_is_asked_for_in_either_spelling(
    platform: str | None, azureml: dict[str, Any], *, use_docker: bool
) -> None:
    assert check_workspace_arguments(None, platform, azureml, use_docker=use_docker)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"platform": ELSEWHERE}, f"this machine, `{HERE}`, not `{ELSEWHERE}`"),
        ({"platform": "Windows", "use_docker": True}, "Images are built for `Linux`, not `Win"),
        ({"prefix": "env", "useDocker": True}, "An image has no prefix"),
        ({"pushImageToWorkspaceAcr": True}, "no workspace whose registry an image"),
    ],
)
def test_what_cannot_be_done_is_an_error(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((DefinitionError, EnvsyncError), match=message):
        Environment("churn").build_local(**arguments)


def test_a_misspelt_argument_is_an_error() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'use_doker'"):
        Environment("churn").build_local(use_doker=True)
