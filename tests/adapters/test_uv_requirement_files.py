from __future__ import annotations

from pathlib import Path

from envsync.adapters.uv.requirement_files import Opened, open_files

GUARDED = "a @ git+https://user:hunter2@h/a.git"


def write(directory: Path, **files: str) -> None:
    for name, text in files.items():
        path = directory / f"{name.replace('_', '/')}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_a_file_that_uv_may_see_stays_one(tmp_path: Path) -> None:
    write(tmp_path, sub_r="six\n-r more.txt\n", sub_more="idna\n")
    options = ["-r sub/r.txt", "-r missing.txt", "-r https://h/r.txt", "--pre"]

    assert open_files(options, tmp_path) == Opened(lines=tuple(options))


def test_credentials_and_hashes_in_files_of_any_folder_are_kept_from_uv(tmp_path: Path) -> None:
    write(
        tmp_path,
        top=f"{GUARDED}\nb @ https://h/b.whl#sha256=00  # why\n-r sub/deep/r.txt\n",
        sub_deep_r=f"{GUARDED}\nsix\n",
    )

    assert open_files(["-r top.txt"], tmp_path).lines == (
        "a @ git+https://h/a.git",
        "b @ https://h/b.whl",
        "a @ git+https://h/a.git",
        "six",
    )


def test_what_a_file_names_is_named_from_the_definition_then(tmp_path: Path) -> None:
    write(
        tmp_path,
        sub_r=(
            f"{GUARDED}\n-c limits.txt\n--find-links=wheels\n-f https://h/links\n"
            "-r more.txt\n./mine.whl\n--pre\n"
        ),
        sub_more="six",
    )

    assert open_files(["-r sub/r.txt"], tmp_path).lines == (
        "a @ git+https://h/a.git",
        "--constraint sub/limits.txt",
        "--find-links sub/wheels",
        "-f https://h/links",
        "--requirement sub/more.txt",
        "./mine.whl",
        "--pre",
    )


def test_lines_that_go_on_are_joined_as_pip_does(tmp_path: Path) -> None:
    write(
        tmp_path,
        split="\ufeffsix \\\r\n  ==1.16.0\r\n",
        hashed="six==1.16.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n",
    )

    assert [line.split() for line in open_files(["-r split.txt"], tmp_path).lines] == [
        ["six", "==1.16.0"]
    ]
    assert open_files(["-r hashed.txt"], tmp_path) == Opened(lines=("-r hashed.txt",))


def test_constraints_stay_constraints_wherever_they_are_named(tmp_path: Path) -> None:
    write(tmp_path, r="six\n-c sub/limits.txt\n-c plain.txt\n", plain="idna<4\n")
    write(tmp_path, sub_limits=f"{GUARDED}\n-r more.txt\n-c less.txt\n", sub_more="b<2\n")
    write(tmp_path, sub_less="c @ git+https://user:hunter2@h/c.git\n")

    assert open_files(["-r r.txt"], tmp_path) == Opened(
        lines=("six", "-c plain.txt"),
        constraints=(
            "a @ git+https://h/a.git",
            f"--requirement {tmp_path}/sub/more.txt",
            "c @ git+https://h/c.git",
        ),
    )


def test_options_are_spelt_without_credentials_too() -> None:
    option = "-e git+ssh://git:hunter2@h:22/a.git#egg=a"

    assert open_files([option], Path()).lines == ("-e git+ssh://git@h:22/a.git#egg=a",)
