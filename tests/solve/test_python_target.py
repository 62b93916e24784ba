import pytest
from packaging.tags import Tag

from envsync.solve.python_target import describe_environment, list_tags


@pytest.mark.parametrize(
    ("subdir", "glibc", "tag", "taken"),
    [
        ("linux-64", "2.28", "cp311-cp311-manylinux_2_28_x86_64", True),
        ("linux-64", "2.17", "cp311-cp311-manylinux_2_28_x86_64", False),
        ("linux-64", "2.17", "cp311-cp311-manylinux2014_x86_64", True),
        ("linux-64", "2.17", "cp37-abi3-manylinux1_x86_64", True),
        ("linux-64", None, "cp311-cp311-linux_x86_64", True),
        ("linux-aarch64", "2.28", "cp311-cp311-manylinux2014_aarch64", True),
        ("linux-aarch64", "2.28", "cp311-cp311-manylinux_2_5_aarch64", False),
        ("osx-arm64", None, "cp311-cp311-macosx_11_0_arm64", True),
        ("osx-arm64", None, "cp311-cp311-macosx_14_0_arm64", False),
        ("osx-64", None, "cp311-cp311-macosx_10_9_universal2", True),
        ("win-64", None, "cp311-cp311-win_amd64", True),
        ("win-64", None, "py3-none-any", True),
        ("linux-64", "2.28", "cp312-cp312-manylinux_2_17_x86_64", False),
    ],
)
def test_wheels_are_taken_that_the_machine_can_load(
    subdir: str, glibc: str | None, tag: str, *, taken: bool
) -> None:
    assert (Tag(*tag.split("-")) in list_tags("3.11.9", subdir, glibc=glibc)) is taken


def test_markers_speak_of_the_target_and_not_of_this_machine() -> None:
    windows = describe_environment("3.8.2", "win-64")

    assert windows["python_version"] == "3.8"
    assert windows["python_full_version"] == "3.8.2"
    assert windows["sys_platform"] == "win32"
    assert windows["platform_system"] == "Windows"
    assert describe_environment("3.8.2", "osx-arm64")["platform_machine"] == "arm64"
