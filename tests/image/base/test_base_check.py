from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.fakes import conda_package, pip_package

from envsync.image.base.base_check import find_needed_glibc, find_release

if TYPE_CHECKING:
    from envsync.model.lockfile import LockedPackage

_PIP = "https://index.example.org/x-1.0-cp311-cp311-{}.whl"


def _conda(requirement: str) -> LockedPackage:
    return conda_package("x", dependencies=(("__glibc", requirement),))


@pytest.mark.parametrize(
    ("package", "needed"),
    [
        (_conda(">=2.17,<3.0.a0"), "2.17"),
        (_conda(">=2.9"), "2.9"),
        (_conda("2.28.*"), "2.28"),
        (_conda(""), None),
        (conda_package("x"), None),
        (pip_package("x", url=_PIP.format("manylinux_2_17_x86_64.manylinux2014_x86_64")), "2.17"),
        (pip_package("x", url=_PIP.format("manylinux_2_34_x86_64")), "2.34"),
        (pip_package("x", url=_PIP.format("manylinux1_x86_64.manylinux_2_28_x86_64")), "2.5"),
        (pip_package("x", url=_PIP.format("musllinux_1_2_x86_64")), None),
        (pip_package("x"), None),
    ],
)
def test_packages_say_which_glibc_they_need(package: LockedPackage, needed: str | None) -> None:
    assert find_needed_glibc([package]) == needed


def test_the_newest_that_is_needed_counts_as_a_version_and_not_as_text() -> None:
    assert find_needed_glibc([_conda(">=2.9"), _conda(">=2.17"), _conda(">=2.4")]) == "2.17"


def test_this_machines_library_tells_its_release() -> None:
    told = subprocess.run(["/bin/sh", "-c", "ldd --version"], capture_output=True, check=False)
    library = next(iter(Path("/lib").glob("*-linux-gnu/libc.so.6")), None)
    if library is None or told.returncode != 0:
        pytest.skip("no glibc of Debian's here")
    release = find_release(library.read_bytes())

    assert release is not None
    assert told.stdout.splitlines()[0].endswith(release.encode())


def test_what_is_no_library_has_no_release() -> None:
    assert find_release(b"musl libc (x86_64)\nVersion 1.2.4\n") is None
