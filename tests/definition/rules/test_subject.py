from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envsync.definition.rules.subject import guess_files, read_document, read_subject
from envsync.definition.rules.values import check_boilerplate, check_settings_take_effect

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from envsync.definition.rules.subject import Subject

CONDA = "dependencies: [python=3.11]\n"
RUN = """\
environment:
  python:
    condaDependencies:
      dependencies: [python=3.11]
  docker:
    baseImage: example.org/base:1
"""


def read(path: Path, text: str, today: date) -> Subject:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return read_subject(guess_files(path), today)


@pytest.mark.parametrize(
    ("name", "text", "images"),
    [
        ("train.runconfig", RUN, ["example.org/base:1"]),
        ("train.runconfig", "docker:\n  baseImage: a:1\n", ["a:1"]),
        ("train.runconfig", "script: train.py\n", []),
        ("train.runconfig", "environment: a\n", []),
        ("env.yml", "name: a\nimage: b:1\nconda_file: {dependencies: [a]}\n", ["b:1"]),
        ("env.yml", "name: a\nimage: b:1\ndependencies: [a]\n", []),
        ("env.yml", CONDA, []),
        ("azureml_environment.json", '{"docker": {"baseDockerfile": "FROM a:1"}}', ["a:1"]),
        ("azureml_environment.json", "[1]", []),
        ("BaseDockerfile", "FROM a:1 AS x\nFROM x\nFROM --platform=linux/amd64 b\n", ["a:1", "b"]),
    ],
)
def test_the_images_of_each_format_are_found(
    tmp_path: Path, today: date, name: str, text: str, images: list[str]
) -> None:
    subject = read(tmp_path / "d" / name, text, today)

    assert [image.text for image in subject.images] == images


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("train.runconfig", RUN),
        ("env.yml", CONDA),
        ("env.yml", f"image: b:1\nconda_file:\n  {CONDA}"),
        (
            "azureml_environment.json",
            '{"python": {"condaDependencies": {"dependencies": ["python=3.11"]}}}',
        ),
    ],
)
def test_the_conda_dependencies_of_each_format_are_found(
    tmp_path: Path, today: date, name: str, text: str
) -> None:
    subject = read(tmp_path / "d" / name, text, today)

    assert subject.conda is not None
    listed = subject.conda.root.get("dependencies")
    assert listed is not None
    assert [item.text for item in listed.items()] == ["python=3.11"]
    assert [*check_boilerplate(subject), *check_settings_take_effect(subject)] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("azureml_environment.json", "{"),
        ("env.yml", "a: b: c"),
        ("env.yml", ""),
        ("notes.txt.gone", "text"),
    ],
)
def test_a_file_that_cannot_be_read_is_left_out(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)

    assert read_document(tmp_path / name) is None
    assert read_document(tmp_path / "nowhere.yml") is None
