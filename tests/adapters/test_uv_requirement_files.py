from __future__ import annotations

from typing import TYPE_CHECKING

from envsync.adapters.uv.requirement_files import open_files

if TYPE_CHECKING:
    from pathlib import Path

GUARDED = "a @ git+https://user:hunter2@h/a.git"


def write(directory: Path, **files: str) -> None:
    for name, text in files.items():
        path = directory / f"{name.replace('_', '/')}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_a_file_that_uv_may_see_stays_one(tmp_path: Path) -> None:
    write(tmp_path, sub_r="six\n-r more.txt\n", sub_more="idna\n")
    options = ["-r sub/r.txt", "-r missing.txt", "-r https://h/r.txt", "--pre"]

    assert open_files(options, tmp_path) == options


def test_credentials_and_hashes_in_files_of_any_folder_are_kept_from_uv(tmp_path: Path) -> None:
    write(
        tmp_path,
        top=f"{GUARDED}\nb @ https://h/b.whl#sha256=00  # why\n-r sub/deep/r.txt\n",
        sub_deep_r=f"{GUARDED}\nsix\n",
    )

    assert open_files(["-r top.txt"], tmp_path) == [
        "a @ git+https://h/a.git",
        "b @ https://h/b.whl",
        "a @ git+https://h/a.git",
        "six",
    ]


def test_what_a_file_names_is_named_from_the_definition_then(tmp_path: Path) -> None:
    write(
        tmp_path,
        sub_r=(
            f"{GUARDED}\n-c limits.txt\n--find-links=wheels\n-f https://h/links\n"
            "-r more.txt\n./mine.whl\n--pre\n"
        ),
        sub_more="six",
    )

    assert open_files(["-r sub/r.txt"], tmp_path) == [
        "a @ git+https://h/a.git",
        "--constraint sub/limits.txt",
        "--find-links sub/wheels",
        "-f https://h/links",
        "--requirement sub/more.txt",
        "./mine.whl",
        "--pre",
    ]


def test_lines_that_go_on_are_joined_as_pip_does(tmp_path: Path) -> None:
    write(
        tmp_path,
        split="\ufeffsix \\\r\n  ==1.16.0\r\n",
        hashed="six==1.16.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n",
    )

    assert [line.split() for line in open_files(["-r split.txt"], tmp_path)] == [
        ["six", "==1.16.0"]
    ]
    assert open_files(["-r hashed.txt"], tmp_path) == ["-r hashed.txt"]
