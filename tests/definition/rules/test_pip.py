from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envsync.definition.rules.pip import (
    check_azureml_agrees,
    check_azureml_is_pinned,
    check_index_is_encrypted,
    check_one_pip_section,
    check_pip_is_asked_for,
    check_pip_lines_can_be_locked,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = "conda_dependencies.yml"


def conda(*lines: str) -> str:
    return "dependencies:\n- pip\n- pip:\n" + "".join(f"  - {line}\n" for line in lines)


def test_pip_section_without_pip_is_found(look: Callable[..., list[str]]) -> None:
    assert look(check_pip_is_asked_for, conda="dependencies:\n- a\n- pip:\n  - b\n") == [
        (
            f"warning missing-pip {FILE}:3:3: dependencies[1].pip: `pip` is not among the "
            "dependencies; conda adds one of its choice, and complains (add `pip` before it)"
        )
    ]


@pytest.mark.parametrize(
    "text", [conda("a"), "dependencies: [pip=24, {pip: [a]}]", "dependencies: [a]"]
)
def test_pip_section_with_pip_is_fine(look: Callable[..., list[str]], text: str) -> None:
    assert look(check_pip_is_asked_for, conda=text) == []


def test_second_pip_section_is_found(look: Callable[..., list[str]]) -> None:
    text = conda("a") + "- pip:\n  - b\n"

    assert look(check_one_pip_section, conda=text) == [
        (
            f"warning two-pip-sections {FILE}:6:3: dependencies[2].pip: "
            "this is a second pip section; the Azure ML SDK shows the last one only"
        )
    ]


@pytest.mark.parametrize(
    "line", ["azureml-core", "AzureML_Core", "azureml-core[x]", "azureml-core>=1"]
)
def test_package_of_azureml_without_version_is_found(
    look: Callable[..., list[str]], line: str
) -> None:
    assert look(check_azureml_is_pinned, conda=conda(line)) == [
        (
            f"warning unpinned-azureml {FILE}:4:5: dependencies[1].pip[0]: "
            f"`{line}` has no version; pip may go back years to find one"
        )
    ]


@pytest.mark.parametrize(
    "line",
    ["azureml-core==1.60", "azureml-core~=1.60.0", "azureml-core<2", "numpy", "-e azureml-x"],
)
def test_package_of_azureml_with_version_is_fine(look: Callable[..., list[str]], line: str) -> None:
    assert look(check_azureml_is_pinned, conda=conda(line)) == []


def test_packages_of_azureml_of_different_releases_are_found(
    look: Callable[..., list[str]],
) -> None:
    text = conda("azureml-core==1.48.0", "azureml-sdk==1.48.1", "azureml-defaults==1.50.0")

    assert look(check_azureml_agrees, conda=text) == [
        (
            f"warning mixed-azureml {FILE}:6:5: dependencies[1].pip[2]: "
            "`azureml-defaults==1.50.0` is of release 1.50, others are of 1.48"
        )
    ]


def test_packages_of_azureml_with_releases_of_their_own_are_fine(
    look: Callable[..., list[str]],
) -> None:
    text = conda("azureml-core==1.48.0", "azureml-inference-server-http==0.8.0", "azureml-sdk")

    assert look(check_azureml_agrees, conda=text) == []
    assert look(check_azureml_agrees, conda=conda("numpy")) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-e ./lib", "`./lib` is editable, so its code may change after the lock"),
        ("./lib", "`./lib` lies on this machine only"),
        ("--find-links ../wheels", "`../wheels` lies on this machine only"),
        (
            "x @ svn+https://e.org/x",
            "`x @ svn+https://e.org/x` is no git repository that can be locked",
        ),
        (
            "https://e.org/x-1-py3-none-any.whl?download=1",
            (
                "`https://e.org/x-1-py3-none-any.whl?***` may hold a secret after `?`, "
                "which no lock can keep"
            ),
        ),
    ],
)
def test_requirement_that_may_change_is_found(
    look: Callable[..., list[str]], line: str, message: str
) -> None:
    assert look(check_pip_lines_can_be_locked, conda=conda(line)) == [
        f"warning not-reproducible {FILE}:4:5: dependencies[1].pip[0]: {message}"
    ]


@pytest.mark.parametrize(
    "line",
    [
        *("numpy", "numpy==1", "--pre", "--find-links https://e.org/", "--nonsense", "x @ "),
        "https://e.org/x-1-py3-none-any.whl?sig=1",  # of which the rule about secrets speaks
    ],
)
def test_other_lines_are_fine(look: Callable[..., list[str]], line: str) -> None:
    assert look(check_pip_lines_can_be_locked, conda=conda(f"'{line}'")) == []


def test_address_that_is_not_encrypted_is_found(look: Callable[..., list[str]]) -> None:
    text = (
        conda("--index-url http://e.org/", "--trusted-host e.org") + "channels: [http://e.org/c]\n"
    )

    assert look(check_index_is_encrypted, conda=text) == [
        f"warning insecure-address {FILE}:6:12: channels[0]: `http://e.org/c` is not encrypted",
        (
            f"warning insecure-address {FILE}:4:5: dependencies[1].pip[0]: "
            "`--index-url http://e.org/` is not encrypted"
        ),
        (
            f"note insecure-address {FILE}:5:5: dependencies[1].pip[1]: "
            "a trusted host's certificate is not checked"
        ),
    ]


@pytest.mark.parametrize(
    "address", ["https://e.org", "http://localhost:8080/x", "http://127.0.0.1/"]
)
def test_address_that_nobody_can_tamper_with_is_fine(
    look: Callable[..., list[str]], address: str
) -> None:
    assert look(check_index_is_encrypted, conda=conda(f"--index-url {address}")) == []


@pytest.mark.parametrize(
    "rule",
    [
        check_pip_is_asked_for,
        check_one_pip_section,
        check_azureml_is_pinned,
        check_azureml_agrees,
        check_pip_lines_can_be_locked,
        check_index_is_encrypted,
    ],
)
def test_definition_without_conda_side_is_fine(
    look: Callable[..., list[str]], rule: Callable[..., object]
) -> None:
    assert look(rule) == []
