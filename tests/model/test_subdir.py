import platform
import sys

import pytest

from envsync.model.subdir import KNOWN_SUBDIRS, current_subdir, find_subdir
from envsync.model.virtual_package import DEFAULTS


@pytest.mark.parametrize(
    ("os", "architecture", "subdir"),
    [
        ("linux", "amd64", "linux-64"),
        ("Linux", "AMD64", "linux-64"),
        ("linux", "arm64", "linux-aarch64"),
        ("windows", "amd64", "win-64"),
        ("linux", "s390x", None),
        ("plan9", "amd64", None),
    ],
)
def test_an_oci_platform_has_the_subdir_of_the_same_machine(
    os: str, architecture: str, subdir: str | None
) -> None:
    assert find_subdir(os, architecture) == subdir


def test_this_machine_has_a_known_subdir() -> None:
    if sys.platform == "linux" and platform.machine() == "x86_64":
        assert current_subdir() == "linux-64"
    assert current_subdir() in (None, *KNOWN_SUBDIRS)


def test_a_virtual_package_is_written_as_conda_writes_it() -> None:
    glibc = next(fact for fact in DEFAULTS["linux-64"] if fact.name == "__glibc")

    assert str(glibc) == f"__glibc={glibc.version}={glibc.build}"


@pytest.mark.parametrize(
    ("system", "machine", "subdir"),
    [
        ("linux", "x86_64", "linux-64"),
        ("linux", "aarch64", "linux-aarch64"),
        ("linux", "ppc64le", "linux-ppc64le"),
        ("darwin", "x86_64", "osx-64"),
        ("darwin", "arm64", "osx-arm64"),
        ("win32", "AMD64", "win-64"),
        ("linux", "riscv64", None),
        ("freebsd14", "x86_64", None),
    ],
)
def test_a_machine_has_the_subdir_of_conda(
    system: str, machine: str, subdir: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)

    assert current_subdir() == subdir
