from pathlib import Path

import pytest
from support.fakes import FakeCondaSolver

from envsync.errors import DefinitionError
from envsync.model.environment import EnvironmentSpec
from envsync.model.subdir import current_subdir
from envsync.model.virtual_package import DEFAULTS, VirtualPackage
from envsync.solve.facts import (
    assume_facts,
    dump_facts,
    find_glibc,
    parse_facts,
    parse_statements,
)

GLIBC = VirtualPackage(name="__glibc", version="2.28")


def assume(
    subdir: str,
    image: str | None = None,
    recorded: tuple[VirtualPackage, ...] = (),
    recorded_image: str | None = None,
    **stated: str,
) -> dict[str, str]:
    spec = EnvironmentSpec(name="x", directory=Path(), files=(), base_image=image)
    facts = assume_facts(
        spec,
        subdir,
        FakeCondaSolver(),
        recorded=recorded,
        recorded_image=recorded_image,
        stated={f"__{name}": version for name, version in stated.items()},
    )
    return {fact.name: fact.version for fact in facts}


def test_this_machine_is_asked_and_others_are_assumed() -> None:
    other = "osx-arm64" if current_subdir() != "osx-arm64" else "win-64"

    assert assume(str(current_subdir())) == {"__glibc": "2.36"}
    assert assume(other) == {fact.name: fact.version for fact in DEFAULTS[other]}


@pytest.mark.parametrize(
    ("image", "glibc"),
    [
        ("mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04:20230120.v1", "2.31"),
        ("python:3.11-bullseye", "2.31"),
        ("mcr.microsoft.com/azureml/base:intelmpi2018.3-ubuntu16.04", "2.23"),
        ("ubuntu24.04-is-newer-than-this-machine", "2.36"),
        ("who-knows", "2.36"),
    ],
)
def test_the_base_image_may_have_an_older_c_library(image: str, glibc: str) -> None:
    assert assume("linux-64", image)["__glibc"] == glibc


def test_a_cuda_image_implies_cuda() -> None:
    image = "mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04"

    assert assume("linux-64", image)["__cuda"] == "11.8"
    assert "__cuda" not in assume("osx-arm64", image)


def test_what_a_lock_recorded_is_kept_and_what_is_stated_counts_most() -> None:
    assert assume("linux-64", recorded=(GLIBC,)) == {"__glibc": "2.28"}
    assert assume("linux-64", recorded=(GLIBC,), glibc="2.17", cuda="12.2") == {
        "__cuda": "12.2",
        "__glibc": "2.17",
    }


def test_facts_survive_the_lock() -> None:
    facts = (VirtualPackage(name="__archspec", version="1", build="x86_64_v4"), GLIBC)

    key, text = dump_facts("linux-64", facts)

    assert text == "__archspec=1=x86_64_v4 __glibc=2.28=0"
    assert parse_facts({key: text}, "linux-64") == facts
    assert parse_facts({key: text}, "osx-64") == ()
    assert parse_facts({key: "nonsense"}, "linux-64") == ()


def test_statements_are_names_and_versions() -> None:
    assert parse_statements(["glibc=2.17", "__cuda=12.2"]) == {
        "__glibc": "2.17",
        "__cuda": "12.2",
    }
    with pytest.raises(DefinitionError, match="`glibc 2` is not a system requirement"):
        parse_statements(["glibc 2"])


def test_the_c_library_is_found_among_the_facts() -> None:
    assert find_glibc([GLIBC]) == "2.28"
    assert find_glibc(DEFAULTS["win-64"]) is None


@pytest.mark.parametrize(
    ("earlier", "recorded", "image", "expected"),
    [
        ("x:ubuntu20.04", "2.31", "x:ubuntu22.04", "2.35"),  # the image's then, the image's now
        ("x:ubuntu22.04", "2.35", "x:ubuntu18.04", "2.27"),
        ("x:ubuntu22.04", "2.17", "x:ubuntu20.04", "2.17"),  # which somebody stated
        ("x:ubuntu20.04", "2.31", "x", "2.36"),  # nothing is known of the new one
        ("x", "2.28", "x:ubuntu16.04", "2.23"),
        ("x:ubuntu20.04", "2.17", "y:ubuntu20.04", "2.17"),
    ],
)
def test_what_an_image_implied_goes_with_it(
    earlier: str, recorded: str, image: str, expected: str
) -> None:
    facts = (VirtualPackage(name="__glibc", version=recorded),)

    assert assume("linux-64", image, facts, earlier) == {"__glibc": expected}


def test_cuda_comes_and_goes_with_the_image() -> None:
    facts = (GLIBC, VirtualPackage(name="__cuda", version="11.8"))

    assert "__cuda" not in assume("linux-64", "x:cpu", facts, "x:cuda11.8")
    assert assume("linux-64", "x:cuda12.2", facts, "x:cuda11.8")["__cuda"] == "12.2"
    assert assume("linux-64", "x:cpu", facts, "y:cpu")["__cuda"] == "11.8"
