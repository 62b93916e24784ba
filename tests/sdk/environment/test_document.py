from __future__ import annotations

import datetime as dt
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from envsync import (
    CondaDependencies,
    DefinitionError,
    DockerSection,
    Environment,
    EnvsyncError,
    RGitHubPackage,
    RSection,
    SparkPackage,
    SparkSection,
)
from envsync.definition.directory import dump_files
from envsync.sdk.environment.document import Section, from_document, to_document

if TYPE_CHECKING:
    from collections.abc import Iterator

ODD: tuple[Any, ...] = (
    *(None, 5, "x", b"x", [], ["a", None], (1,), {"x"}, {}, {"a": None}, {1: 2}, {"a": object()}),
    *(object(), Path("x"), float("nan"), dt.date(2020, 1, 1), "\ud800", print),
    *(Environment("odd"), CondaDependencies(), RSection(), [SparkPackage()]),
)


def list_attributes(section: Section, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for attribute in fields(section):
        if attribute.name != "origin":
            value = getattr(section, attribute.name)
            yield (*path, attribute.name)
            if isinstance(value, Section):
                yield from list_attributes(value, (*path, attribute.name))


@pytest.mark.parametrize("path", [*list_attributes(Environment("churn"))], ids=".".join)
def test_an_attribute_of_any_value_is_saved_or_refused(path: tuple[str, ...]) -> None:
    for value in ODD:
        environment = Environment("churn")
        section: Any = environment
        for name in path[:-1]:
            section = getattr(section, name)
        try:
            setattr(section, path[-1], value)
            files = dump_files(environment.to_spec())
        except EnvsyncError as error:
            assert error.message  # noqa: PT017  # either outcome is right
        else:
            assert files


def test_keys_are_those_of_the_file_in_the_order_of_the_attributes() -> None:
    spark = SparkSection(
        repositories=["https://x.org"], packages=[SparkPackage("g", "a", version="1")]
    )

    assert to_document(spark) == {
        "repositories": ["https://x.org"],
        "packages": [{"group": "g", "artifact": "a", "version": "1"}],
        "precachePackages": True,
    }
    assert list(to_document(RSection()))[:3] == ["rVersion", "userManaged", "rscriptPath"]


def test_unknown_keys_go_in_and_come_out_at_every_level() -> None:
    document = {
        "packages": [{"group": "g", "classifier": "tests"}],
        "precache": False,
        "precachePackages": False,
    }

    spark = from_document(SparkSection, document)

    assert spark.unknown_keys == {"precache": False}
    assert spark.packages[0].unknown_keys == {"classifier": "tests"}
    saved = to_document(spark)
    assert saved["precache"] is False
    assert saved["packages"][0]["classifier"] == "tests"


@pytest.mark.parametrize(
    ("section", "name", "value", "message"),
    [
        (Environment("a"), "docker", None, "`docker`: NoneType where DockerSection should be"),
        (DockerSection(), "platform", "Linux", "`platform`: str where DockerImagePlatform should"),
        (SparkSection(), "packages", ["a:b:1"], "`packages`: str where SparkPackage should be"),
        (RSection(), "github_packages", [{}], "`github_packages`: dict where RGitHubPackage"),
        (Environment("a"), "environment_variables", {1: "x"}, "int where a name should be"),
    ],
)
def test_what_is_no_section_is_said_by_its_attribute(
    section: Section, name: str, value: object, message: str
) -> None:
    setattr(section, name, value)

    with pytest.raises(DefinitionError) as caught:
        to_document(section)
    assert caught.value.message.startswith(message)


def test_repr_of_a_package_hides_its_token() -> None:
    package = RGitHubPackage("acme/private-r", "FAKE-TOKEN")

    assert repr(package) == "RGitHubPackage(repository='acme/private-r')"
