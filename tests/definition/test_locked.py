from pathlib import Path

import pytest
from support.fakes import conda_package, pip_package

from envsync.definition.locked import define_from_lock
from envsync.definition.reading.loaded import Loaded
from envsync.model.environment import CondaSpec, OciPlatform
from envsync.model.lockfile import LockedPackage, Lockfile

FORGE = "https://conda.anaconda.org/conda-forge"
MAIN = "https://repo.anaconda.com/pkgs/main"
PYPI = "https://files.pythonhosted.org/packages/aa"


def package(name: str, channel: str = FORGE, subdir: str = "linux-64") -> LockedPackage:
    url = f"{channel}/{subdir}/{name}-1.0-h0_0.conda"
    return conda_package(name, url=url, build="h0_0", subdir=subdir)


def define(*packages: LockedPackage, channels: tuple[str, ...] = ("conda-forge",)) -> Loaded:
    subdirs = tuple(sorted({each.subdir for each in packages}))
    lockfile = Lockfile(
        subdirs=subdirs, channels=channels, sources=(), content_hash=(), packages=packages
    )
    return define_from_lock(lockfile, Path("churn/conda-lock.yml"), subdir="linux-64")


def conda_of(loaded: Loaded) -> CondaSpec:
    assert loaded.spec.conda is not None
    return loaded.spec.conda


def test_packages_are_asked_for_exactly_python_first() -> None:
    wheel = pip_package("idna", "3.10", url=f"{PYPI}/idna-3.10-py3-none-any.whl")

    loaded = define(package("numpy"), wheel, package("python"))

    conda = conda_of(loaded)
    assert loaded.spec.name == "churn"
    assert conda.channels == ("conda-forge",)
    assert conda.match_specs == ("python=1.0=h0_0", "numpy=1.0=h0_0", "pip")
    assert conda.pip_requirements == ("idna==3.10",)
    assert conda.has_pip_section
    assert [warning.message for warning in loaded.warnings] == [
        "hashes have no place in a definition"
    ]


def test_among_several_channels_each_package_names_its_own() -> None:
    r = package("r-base", "https://repo.anaconda.com/pkgs/r")

    conda = conda_of(define(package("a", MAIN), package("b"), r, channels=("defaults",)))

    assert conda.channels == ("defaults", "conda-forge")
    assert conda.match_specs == (
        "pkgs/main::a=1.0=h0_0",
        "conda-forge::b=1.0=h0_0",
        "pkgs/r::r-base=1.0=h0_0",
    )


def test_the_channels_of_an_explicit_spec_are_those_of_its_packages() -> None:
    conda = conda_of(define(package("a", MAIN), package("b"), package("c"), channels=()))

    assert conda.channels == ("conda-forge", "defaults")


def test_addresses_of_channels_are_named_as_people_name_them() -> None:
    company = "https://conda.example.org/mine"

    conda = conda_of(define(package("a", company), channels=(f"{FORGE}/", f"{company}/")))

    assert conda.channels == ("conda-forge", company)
    assert conda.match_specs == (f"{company}::a=1.0=h0_0",)


@pytest.mark.parametrize(
    ("url", "requirement"),
    [
        ("git+https://h.example/a@0123", "a @ git+https://h.example/a@0123"),
        ("git+https://${TOKEN}@h.example/a@0123", "a @ git+https://h.example/a@0123"),
        ("git+https://h.example/${TOKEN}/a@0123", "a==1.0"),
        ("file:///wheels/a-1.0-py3-none-any.whl", "a @ file:///wheels/a-1.0-py3-none-any.whl"),
    ],
)
def test_what_is_from_no_index_keeps_its_address(url: str, requirement: str) -> None:
    conda = conda_of(define(package("python"), pip_package("a", url=url)))

    assert conda.pip_requirements == (requirement,)


def test_a_channel_that_would_be_told_a_variable_is_left_out() -> None:
    loaded = define(package("a"), channels=("conda-forge", "https://evil.example/${TOKEN}"))

    assert conda_of(loaded).channels == ("conda-forge",)
    assert "`https://evil.example/${TOKEN}` is no channel for a definition; it is left out" in [
        warning.message for warning in loaded.warnings
    ]


def test_what_is_lost_is_told() -> None:
    osx = package("python", subdir="osx-arm64")
    wheel = pip_package("a", url="https://pypi.example.org/a-1.0-py3-none-any.whl")

    loaded = define(package("python"), osx, wheel)

    assert [warning.message for warning in loaded.warnings] == [
        "a definition is for one machine: `linux-64`; `osx-arm64` is left out",
        "hashes have no place in a definition",
        "pip packages are from `pypi.example.org`, and a lock doesn't say by which index",
    ]


def test_the_machine_is_that_of_the_packages() -> None:
    loaded = define(package("python", subdir="linux-aarch64"))

    assert loaded.spec.platform == OciPlatform(architecture="arm64")


def test_an_index_that_is_named_is_no_loss() -> None:
    wheel = pip_package("a", url="https://pypi.example.org/a-1.0-py3-none-any.whl")
    lockfile = Lockfile(
        subdirs=("linux-64",),
        channels=("conda-forge",),
        sources=(),
        content_hash=(),
        packages=(package("python"), wheel),
    )
    option = "--extra-index-url https://pypi.example.org/simple"

    loaded = define_from_lock(lockfile, Path("conda-lock.yml"), subdir=None, pip_options=[option])

    assert conda_of(loaded).pip_options == (option,)
    assert len(loaded.warnings) == 1
