from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envsync.definition.rules.channels import (
    check_channels_are_named,
    check_channels_are_there_once,
    check_channels_go_together,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = "conda_dependencies.yml"


@pytest.mark.parametrize(
    ("channels", "line"),
    [
        ("[anaconda, conda-forge]", "1:12: channels[0]: `anaconda`"),
        ("[conda-forge, defaults]", "1:25: channels[1]: `defaults`"),
        ("[conda-forge, main]", "1:25: channels[1]: `main`"),
        (
            "[https://repo.anaconda.com/pkgs/r/, https://e.org/conda-forge]",
            "1:12: channels[0]: `https://repo.anaconda.com/pkgs/r/`",
        ),
    ],
)
def test_channels_that_do_not_fit_are_found(
    look: Callable[..., list[str]], channels: str, line: str
) -> None:
    assert look(check_channels_go_together, conda=f"channels: {channels}\n") == []
    assert look(check_channels_go_together, conda=f"channels: {channels}\ndependencies: [a]\n") == [
        f"warning mixed-channels {FILE}:{line} and `conda-forge` do not build for each other"
    ]


@pytest.mark.parametrize("channels", ["[conda-forge, pytorch]", "[defaults, r]", "[]", ""])
def test_channels_that_fit_are_fine(look: Callable[..., list[str]], channels: str) -> None:
    text = f"channels: {channels}\ndependencies: [a]\n"

    assert look(check_channels_go_together, conda=text) == []


def test_definition_without_channels_is_found(look: Callable[..., list[str]]) -> None:
    assert look(check_channels_are_named, conda="dependencies: [a]\n") == [
        (
            f"note no-channels {FILE}:1:1: no channel is named, which means `defaults`, "
            "under Anaconda's terms"
        )
    ]
    assert look(check_channels_are_named, conda="channels: [a]\ndependencies: [a]\n") == []
    assert look(check_channels_are_named, conda="dependencies: [{pip: [a]}]\n") == []


def test_channel_that_is_named_again_is_found(look: Callable[..., list[str]]) -> None:
    text = "channels: [a, b, a]\ndependencies: [a]\n"

    assert look(check_channels_are_there_once, conda=text) == [
        f"warning duplicate-channel {FILE}:1:18: channels[2]: `a` is named above (remove it)"
    ]


@pytest.mark.parametrize(
    "rule",
    [check_channels_are_named, check_channels_go_together, check_channels_are_there_once],
)
def test_definition_without_conda_side_is_fine(
    look: Callable[..., list[str]], rule: Callable[..., object]
) -> None:
    assert look(rule) == []
