"""Names that can't exist, or that programs take for options: refused before anything is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Done


def list_files(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


@pytest.mark.parametrize("command", [["validate"], ["lock", "--offline"], ["check"]])
@pytest.mark.parametrize("name", ["-rf", ".", "..", "a\n--privileged", "a\x00b", "a" * 256])
def test_a_definition_with_a_name_that_no_environment_can_have_is_refused(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    tmp_path: Path,
    command: list[str],
    name: str,
) -> None:
    define("python", name=name)
    before = list_files(tmp_path)

    done = envsync(*command, "d")

    assert done.status in {1, 2}
    assert " can't be the name of an environment: it " in done.stdout + done.stderr
    assert list_files(tmp_path) == before


@pytest.mark.parametrize("text", ["name: -rf", 'name: "a\\u0007b"'])
@pytest.mark.parametrize(
    "rest", ["image: debian:12", "channels: [conda-forge]\ndependencies: [python=3.11]"]
)
def test_a_name_in_any_format_is_checked(
    envsync: Callable[..., Done], tmp_path: Path, text: str, rest: str
) -> None:
    (tmp_path / "environment.yml").write_text(f"{text}\n{rest}\n")

    done = envsync("validate", "environment.yml")

    assert done.status in {1, 2}
    assert "can't be the name of an environment" in done.stdout + done.stderr


@pytest.mark.parametrize("image", ["-v", "--privileged", "a b", "Upper/Case", "a:-b"])
@pytest.mark.parametrize("command", [["validate"], ["lock", "--offline"]])
def test_a_base_image_that_no_registry_can_have_is_refused(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    tmp_path: Path,
    command: list[str],
    image: str,
) -> None:
    define("python", docker={"baseImage": image})
    before = list_files(tmp_path)

    done = envsync(*command, "d")

    assert done.status in {1, 2}
    assert f"`{image}` is not an image reference: " in done.stdout + done.stderr
    assert list_files(tmp_path) == before


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("folder", "shown"),
    [
        ("a:b", "`:`"),
        ("a'b", "`'`"),
        ('a"b', '`"`'),
        ("a`b", "a backtick"),
        ("a\\b", "`\\`"),
        ("a\tb", "U+0009"),
        ("a\nb", "U+000A"),
    ],
)
def test_a_place_where_no_environment_works_is_refused_before_anything_is_made(
    locked: Callable[..., Done],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    folder: str,
    shown: str,
) -> None:
    before = list_files(tmp_path)

    by_option = locked("build-local", "d", "-p", f"{folder}/env")
    monkeypatch.setenv("ENVSYNC_HOME", str(tmp_path / folder))
    by_home = locked("build-local", "d")

    for done in (by_option, by_home):
        assert done.status == 2
        assert "can't be the path of an environment: " in done.stderr
        assert shown in done.stderr
    assert list_files(tmp_path) == before


@pytest.mark.e2e
def test_an_environment_lies_in_a_folder_with_spaces(
    locked: Callable[..., Done], tmp_path: Path
) -> None:
    assert locked("build-local", "d", "-p", "a b/c d").status == 0
    assert (tmp_path / "a b/c d/bin/python").exists()
    assert locked("run", "-p", "a b/c d", "d", "python", "-c", "import six, idna").status == 0


@pytest.mark.e2e
@pytest.mark.parametrize(
    "words",
    [
        ("--docker", "--tag", "-v"),
        ("--output", "x.tar", "--tag", "Upper/Case"),
        ("--push", "--privileged"),
        ("--output", "x.tar", "--name", "-rf"),
        ("--output", "x.tar", "--base", "-v"),
        ("--name", "-rf"),
        ("--name", ".."),
        ("--name", "a\nb"),
    ],
)
def test_a_name_on_the_command_line_is_checked_before_anything_is_made(
    locked: Callable[..., Done], tmp_path: Path, words: tuple[str, ...]
) -> None:
    before = list_files(tmp_path / "d")

    done = locked("build-local", "d", *words)

    assert done.status in {1, 2}
    assert "Error: " in done.stderr
    assert "Traceback" not in done.stderr
    assert list_files(tmp_path / "d") == before
    assert not (tmp_path / "x.tar").exists()


@pytest.mark.parametrize("name", ["-rf", "..", "a/b", "a\nb", "a" * 256])
def test_a_model_is_registered_under_no_such_name(
    envsync: Callable[..., Done], tmp_path: Path, private_home: Path, name: str
) -> None:
    (tmp_path / "model.pkl").touch()
    before = list_files(private_home)

    done = envsync("model", "register", "model.pkl", "--name", name)

    assert done.status == 2
    assert "can't be the name of a model" in done.stderr
    assert list_files(private_home) == before
