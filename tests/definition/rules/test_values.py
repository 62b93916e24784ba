from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envsync.definition.rules.values import (
    check_boilerplate,
    check_names,
    check_settings_take_effect,
    check_yaml_is_read_alike,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = "conda_dependencies.yml"
JSON = "azureml_environment.json"
DEPENDENCIES = "dependencies: [a]\n"


@pytest.mark.parametrize(
    "value",
    ["yes", "NO", "on", "0755", "1e3", "1_000", "12:30:00", "1.10", "2020-01-01", "true", ".5"],
)
def test_value_that_readers_take_for_something_else_is_found(
    look: Callable[..., list[str]], value: str
) -> None:
    text = DEPENDENCIES + f"name: {value}\nchannels: [{value}]\nvariables:\n  A: {value}\n"

    said = "not every reader of YAML takes this for the text that it looks like"
    assert look(check_yaml_is_read_alike, conda=text) == [
        f"warning ambiguous-value {FILE}:5:6: variables.A: {said} (put it in quotes)",
        f"warning ambiguous-value {FILE}:2:7: name: {said} (put it in quotes)",
        f"warning ambiguous-value {FILE}:3:12: channels[0]: {said} (put it in quotes)",
    ]


@pytest.mark.parametrize("value", ["'yes'", '"0755"', "4", "-1", "0.5", "1.0", "text", "null", ""])
def test_value_that_all_readers_give_back_is_fine(
    look: Callable[..., list[str]], value: str
) -> None:
    text = DEPENDENCIES + f"name: {value}\nvariables:\n  A: {value}\n"

    assert look(check_yaml_is_read_alike, conda=text) == []


def test_value_in_inline_json_is_fine(look: Callable[..., list[str]]) -> None:
    inline = {"dependencies": ["a"], "variables": {"A": "yes", "B": ["yes"]}}

    assert look(check_yaml_is_read_alike, python__condaDependencies=inline) == []
    assert look(check_yaml_is_read_alike) == []


def test_example_of_the_sdk_and_prefix_of_an_export_are_noted(
    look: Callable[..., list[str]],
) -> None:
    assert look(check_boilerplate, conda=DEPENDENCIES + "prefix: /home/me/env\n") == [
        (
            f"note boilerplate {JSON}:5:28: environmentVariables.EXAMPLE_ENV_VAR: "
            "the Azure ML SDK puts this example into every new environment"
        ),
        (
            f"note boilerplate {FILE}:2:9: prefix: "
            "this is where the environment lay on the machine that it was exported from"
        ),
    ]
    assert look(check_boilerplate, environmentVariables={}) == []


@pytest.mark.parametrize("name", ["AzureML-sklearn", "azureml", "Microsoft x"])
def test_reserved_name_is_noted(look: Callable[..., list[str]], name: str) -> None:
    assert look(check_names, name=name) == [
        (
            f"note reserved-name {JSON}:2:13: name: "
            "Azure ML keeps names that begin so for its own environments"
        )
    ]


@pytest.mark.parametrize("name", ["churn", "my-azureml", None])
def test_other_names_are_fine(look: Callable[..., list[str]], name: str | None) -> None:
    assert look(check_names, name=name) == []


def test_conda_file_of_a_user_managed_environment_is_noted(
    look: Callable[..., list[str]],
) -> None:
    assert look(
        check_settings_take_effect, conda=DEPENDENCIES, python__userManagedDependencies=True
    ) == [
        (
            f"note unused-setting {JSON}:8:36: python.userManagedDependencies: "
            "with this Azure ML does not use the conda dependencies"
        )
    ]


def test_interpreter_that_is_not_used_is_found(look: Callable[..., list[str]]) -> None:
    assert look(check_settings_take_effect, python__interpreterPath="/usr/bin/python") == [
        (
            f"warning unused-setting {JSON}:9:28: python.interpreterPath: "
            "this is used only where `userManagedDependencies` is true"
        )
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"python__userManagedDependencies": True, "python__interpreterPath": "/usr/bin/python"},
        {"python": None},
    ],
)
def test_settings_that_take_effect_are_fine(
    look: Callable[..., list[str]], changes: dict[str, object]
) -> None:
    assert look(check_settings_take_effect, **changes) == []
