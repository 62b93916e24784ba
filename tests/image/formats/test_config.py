from __future__ import annotations

import json

import pytest

from envsync.errors import DefinitionError
from envsync.image.formats.config import (
    compose,
    extend,
    find_time,
    list_activation,
    parse_settings,
)
from envsync.model.image import BaseImage, ImageSettings, Layer

BASE = BaseImage(
    name="base",
    id="sha256:base",
    os="linux",
    architecture="arm64",
    variant="v8",
    layers=(Layer(diff_id="sha256:1", size=1),),
)


@pytest.mark.parametrize(("text", "time"), [(None, 315532800), ("", 315532800), ("0", 0)])
def test_images_say_that_they_were_made_at_a_fixed_time(text: str | None, time: int) -> None:
    assert find_time(text) == time


@pytest.mark.parametrize("text", ["-1", "1.5", "yesterday", "１"])  # noqa: RUF001
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(DefinitionError, match="not a number of seconds since 1970"):
        find_time(text)


def test_the_environment_is_first_on_the_path_and_the_bases_goes_on_behind() -> None:
    settings = ImageSettings(environment=("PATH=/usr/bin", "X=1=2"))

    assert list_activation(settings, prefix="/env")["PATH"] == "/env/bin:/usr/bin"
    assert list_activation(ImageSettings(), prefix="/env")["PATH"].startswith("/env/bin:/usr/local")


def test_variables_take_the_place_of_the_bases_and_the_rest_stays() -> None:
    settings = ImageSettings(environment=("A=1", "B=2=3"), user="me", command=("sh",))
    extended = extend(settings, variables={"A": "x", "C": "y"}, labels={}, command=("python",))

    assert extended.environment == ("A=x", "B=2=3", "C=y")
    assert (extended.user, extended.command) == ("me", ("sh",))


def test_a_command_is_for_bases_that_start_nothing() -> None:
    started = ImageSettings(entrypoint=("/start",))

    assert extend(started, variables={}, labels={}, command=("python",)).command == ()
    assert extend(ImageSettings(), variables={}, labels={}, command=("python",)).command == (
        "python",
    )


def test_what_the_base_says_of_itself_is_not_said_of_what_stands_on_it() -> None:
    settings = ImageSettings(
        labels=(("maintainer", "me"), ("org.opencontainers.image.title", "base"))
    )

    assert extend(settings, variables={}, labels={"b": "2", "a": "1"}).labels == (
        ("a", "1"),
        ("b", "2"),
        ("maintainer", "me"),
    )


def test_a_config_names_platform_layers_and_history() -> None:
    layers = [Layer(diff_id="sha256:2", size=2, created_by="conda a 1.0 0")]
    content = compose(BASE, ImageSettings(), layers, made_at=0)
    config = json.loads(content.config)

    assert (config["os"], config["architecture"], config["variant"]) == ("linux", "arm64", "v8")
    assert config["created"] == "1970-01-01T00:00:00Z"
    assert config["rootfs"] == {"type": "layers", "diff_ids": ["sha256:1", "sha256:2"]}
    assert [it["created_by"] for it in config["history"]] == [
        "base image",
        "envsync: conda a 1.0 0",
    ]
    assert config["config"] == {}
    assert content.id == compose(BASE, ImageSettings(), layers, made_at=0).id


def test_settings_of_an_engine_come_back_as_they_were() -> None:
    config = {
        "Env": ["A=1"],
        "Cmd": None,
        "Entrypoint": ["/start"],
        "Labels": {"b": "2", "a": "1"},
        "ExposedPorts": {"80/tcp": {}},
        "Volumes": None,
        "Healthcheck": {"Test": ["CMD", "true"]},
        "Shell": [],
        "Hostname": "of the build",
    }
    settings = parse_settings(config)
    dumped = json.loads(compose(BASE, settings, [], made_at=0).config)["config"]

    assert settings.labels == (("a", "1"), ("b", "2"))
    assert dumped == {
        "Env": ["A=1"],
        "Entrypoint": ["/start"],
        "Labels": {"a": "1", "b": "2"},
        "ExposedPorts": {"80/tcp": {}},
        "Healthcheck": {"Test": ["CMD", "true"]},
    }
