from pathlib import PurePosixPath, PureWindowsPath

import pytest

from envsync.errors import DefinitionError
from envsync.model.environment_name import (
    check_environment_name,
    check_prefix,
    find_name_fault,
    is_folder_name,
)


@pytest.mark.parametrize(
    "name", ["", "a/b", "windows env/with:odd*name", "環境-ünïcöde 🐍", ".a", "x\n", "a" * 255]
)
def test_a_name_that_azure_ml_saves_has_no_fault(name: str) -> None:
    assert find_name_fault(name) is None
    assert check_environment_name(name) == name


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("-rf", "it begins with `-`, as options do"),
        (" --privileged", "it begins with `-`, as options do"),
        (".", "it stands for a folder"),
        ("..", "it stands for a folder"),
        ("a\x00b", "it has a control character"),
        ("a\nb", "it has a control character"),
        ("a\x1b[2J", "it has a control character"),
        ("a\x85b", "it has a control character"),
        ("a\u2028b", "it has a control character"),
        ("a" * 256, "it is longer than 255 bytes"),
        ("ä" * 128, "it is longer than 255 bytes"),
    ],
)
def test_a_name_that_no_environment_can_have_is_refused(name: str, fault: str) -> None:
    assert find_name_fault(name) == fault
    with pytest.raises(DefinitionError) as caught:
        check_environment_name(name)
    assert caught.value.message.endswith(f"` can't be the name of an environment: {fault}")
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("name", ["", "a/b", "a b", "..", ".a", "-a", "a\\b", "c:", "a'b", "a\x7f"])
def test_a_folder_is_called_by_less_than_azure_ml_takes(name: str) -> None:
    assert not is_folder_name(name)
    assert is_folder_name("churn-1.0_ü")


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        ("/a:b/c", "`/a:b/c` can't be the path of an environment: `:` separates the folders in "),
        ("/a'b", "`/a'b` can't be the path of an environment: `'` breaks the scripts that "),
        ('/a"b', '`/a"b` can\'t be the path of an environment: `"` breaks the scripts that act'),
        ("/a`b", "`/a`b` can't be the path of an environment: a backtick breaks the scripts that"),
        ("/a\\b", "`/a\\b` can't be the path of an environment: `\\` breaks the scripts that act"),
        ("/a\tb", "`/a\\tb` can't be the path of an environment: the character U+0009 breaks the"),
        ("/a\nb", "`/a\\nb` can't be the path of an environment: the character U+000A breaks the"),
        ("/a\udcffb", "`/a\\udcffb` can't be the path of an environment: the character U+DCFF is"),
    ],
)
def test_a_prefix_in_which_an_environment_would_not_work_is_refused(
    prefix: str, message: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        check_prefix(PurePosixPath(prefix))

    assert caught.value.message.startswith(message)
    assert caught.value.hint == "choose a path without it"


def test_spaces_and_drives_are_fine_in_a_prefix() -> None:
    check_prefix(PurePosixPath("/home/a b/ünï/env"))
    check_prefix(PureWindowsPath("C:\\Users\\a b\\env"))
    with pytest.raises(DefinitionError, match="`:` separates"):
        check_prefix(PureWindowsPath("C:\\Users\\a:b"))
