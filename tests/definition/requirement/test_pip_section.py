from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.definitions import document_with, write_definition

from envsync import definition as definitions
from envsync.definition.conda.dependencies import load_conda
from envsync.definition.reading.report import Place, Report
from envsync.definition.requirement.pip_section import locate_pip_item, read_pip_section
from envsync.errors import DefinitionError
from envsync.model.environment import CondaSpec
from envsync.model.pip_section import PipRequirement, PipSection

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "0123456789012345678901234567890123456789"


def read(directory: Path, *lines: str, **files: str) -> tuple[PipSection, list[str]]:
    """Return the section with *lines*, beside requirements *files*, and its risks."""
    conda = "dependencies:\n- python=3.10\n- pip:\n" + "".join(f"  - '{x}'\n" for x in lines)
    write_definition(directory, conda=conda)
    for name, text in files.items():
        (directory / f"{name}.txt").write_text(text)
    section, risks = read_pip_section(definitions.load(directory).spec)
    return section, [finding.text.replace(f"{directory}/", "") for finding in risks]


def refuse(directory: Path, *lines: str, **files: str) -> list[tuple[str, str | None]]:
    with pytest.raises(DefinitionError) as caught:
        read(directory, *lines, **files)
    return [
        (finding.text.replace(f"{directory}/", ""), finding.hint)
        for finding in caught.value.findings
    ]


def test_options_ask_for_no_package(tmp_path: Path) -> None:
    section, risks = read(
        tmp_path,
        "--index-url https://a",
        "-i https://b",
        "--extra-index-url=https://c",
        "--extra-index-url https://d",
        "--find-links https://e",
        "--trusted-host f",
        "--no-binary :all:",
        "--only-binary=numpy",
        "--use-feature fast-deps",
        "--no-index",
        "--pre",
        "--prefer-binary",
        "--require-hashes",
    )
    assert (section, risks) == (PipSection(requires_hashes=True), [])


def test_options_in_files_are_told_with_paths_that_hold_elsewhere(tmp_path: Path) -> None:
    section, _ = read(
        tmp_path,
        "-i https://a",
        "-r r.txt",
        r="-i https://u:p@b\n--pre\n-f wheels\n-c c.txt\n",
        c="-f https://c\n",
    )

    assert section.options == (
        "--index-url https://u:p@b",
        "--pre",
        f"--find-links {tmp_path}/wheels",
        "--find-links https://c",
    )


def test_where_hashes_are_required_each_line_without_one_is_named(tmp_path: Path) -> None:
    drop = "drop `--require-hashes`: a lock holds every hash all the same"
    asked = "which `--require-hashes` asks for"
    pip = [f"`conda_dependencies.yml`:{4 + i}: dependencies[1].pip[{i}]" for i in range(5)]

    assert refuse(
        tmp_path,
        "-r r.txt",
        "a==1 --hash=sha256:ab",
        "b==1",
        "c @ https://h/c.whl#sha256=ab",
        "git+https://h/d@v1",
        r="--require-hashes\ne>=1 --hash=sha256:ab\n-c c.txt\n",
        c="f==1\n",
    ) == [
        (
            f"{pip[2]}: `b==1` states no `--hash`, {asked}",
            f"state it, or {drop}",
        ),
        (
            f"{pip[4]}: `git+https://h/d@v1` can have no hash, {asked}",
            drop,
        ),
        (f"`r.txt`:2: `e>=1` is not pinned by `==`, {asked}", drop),
    ]
    assert read(tmp_path, "--require-hashes", "a==1 --hash=sha256:ab")[1] == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Flask", PipRequirement(text="Flask", source="index", name="flask")),
        (
            'a_b[y, x] >=1,<2 ; python_version < "3.9"',
            PipRequirement(
                text='a_b[y, x] >=1,<2 ; python_version < "3.9"',
                source="index",
                name="a-b",
                extras=("x", "y"),
                specifier="<2,>=1",
                marker='python_version < "3.9"',
            ),
        ),
        (
            "a==1 --hash=sha256:ab --hash sha256:cd",
            PipRequirement(
                text="a==1",
                source="index",
                name="a",
                specifier="==1",
                hashes=("sha256:ab", "sha256:cd"),
            ),
        ),
        (
            "a @ https://x/a.tar.gz",
            PipRequirement(
                text="a @ https://x/a.tar.gz", source="address", name="a", url="https://x/a.tar.gz"
            ),
        ),
        (
            "https://x/A_b-1.0-py3-none-any.whl ; sys_platform",
            PipRequirement(
                text="https://x/A_b-1.0-py3-none-any.whl ; sys_platform",
                source="address",
                name="a-b",
                url="https://x/A_b-1.0-py3-none-any.whl",
                marker="sys_platform",
            ),
        ),
        (
            f"git+https://x/a.git@{COMMIT}#egg=B.c&subdirectory=d",
            PipRequirement(
                text=f"git+https://x/a.git@{COMMIT}#egg=B.c&subdirectory=d",
                source="version control",
                name="b-c",
                url=f"git+https://x/a.git@{COMMIT}#egg=B.c&subdirectory=d",
            ),
        ),
        (
            "git+https://x/a.git@v1",
            PipRequirement(
                text="git+https://x/a.git@v1",
                source="version control",
                url="git+https://x/a.git@v1",
            ),
        ),
        (
            "a @ https://u:${TOKEN}@x/a.whl",
            PipRequirement(
                text="a @ https://u:${TOKEN}@x/a.whl",
                source="address",
                name="a",
                url="https://u:${TOKEN}@x/a.whl",
            ),
        ),
        (
            "./wheels/A_b-1.0-py3-none-any.whl",
            PipRequirement(
                text="./wheels/A_b-1.0-py3-none-any.whl",
                source="local",
                name="a-b",
                url="./wheels/A_b-1.0-py3-none-any.whl",
            ),
        ),
    ],
)
def test_requirement_without_risk_is_taken_apart(
    tmp_path: Path, line: str, expected: PipRequirement
) -> None:
    assert read(tmp_path, line) == (PipSection(requirements=(expected,)), [])


@pytest.mark.parametrize(
    ("line", "risk"),
    [
        ("./a[x, y]", "`./a[x, y]` lies on this machine only"),
        ("file:///a.zip", "`file:///a.zip` lies on this machine only"),
        ("-e ./a", "`./a` is editable, so its code may change after the lock"),
        ("../a-1.0-py3-none-any.whl", "`../a-1.0-py3-none-any.whl` lies on this machine only"),
        ("hg+https://x/a@v1", "`hg+https://x/a@v1` is no git repository that can be locked"),
        (
            "https://x/a.whl?sig=FAKE",
            "`https://x/a.whl?***` may hold a secret after `?`, which no lock can keep",
        ),
        ("https://x/${V}.whl", "`https://x/${V}.whl` takes a part of itself from an environment"),
        ("--find-links ../wheels", "`../wheels` lies on this machine only"),
        ("-r https://x/r.txt", "what `https://x/r.txt` holds may change"),
    ],
)
def test_what_cannot_be_locked_for_good_is_said(tmp_path: Path, line: str, risk: str) -> None:
    _, (said,) = read(tmp_path, line)
    assert said.startswith(f"`conda_dependencies.yml`:4: dependencies[1].pip[0]: {risk}")
    assert "FAKE" not in said


def test_editable_and_local_requirements_keep_their_extras(tmp_path: Path) -> None:
    section, _ = read(tmp_path, "-e ./a[x, y]", "./b[]")
    assert section.requirements == (
        PipRequirement(
            text="./a[x, y]", source="local", extras=("x", "y"), url="./a", is_editable=True
        ),
        PipRequirement(text="./b[]", source="local", url="./b"),
    )


def test_files_are_read_relative_to_the_one_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/more.txt").write_text("c\n-c last.txt\n")
    (tmp_path / "sub/last.txt").write_text("d<2\n-r deep.txt\n")
    (tmp_path / "sub/deep.txt").write_text("e<3\n")

    section, risks = read(
        tmp_path,
        "-r first.txt",
        first="# head\n\na==1 \\\n  --hash=sha256:ab  # why\n-r sub/more.txt\n-r first.txt\nb\\",
    )

    assert [one.text for one in section.requirements] == ["a==1", "c", "b"]
    assert section.requirements[0].hashes == ("sha256:ab",)
    assert [one.text for one in section.constraints] == ["d<2", "e<3"]
    assert risks == []


def test_addresses_of_files_are_named_and_not_fetched(tmp_path: Path) -> None:
    section, risks = read(tmp_path, "-r https://x/r.txt", "-c https://x/c.txt")
    at = "`conda_dependencies.yml`"
    assert section == PipSection()
    assert risks == [
        f"{at}:4: dependencies[1].pip[0]: what `https://x/r.txt` holds may change",
        f"{at}:5: dependencies[1].pip[1]: what `https://x/c.txt` holds may change",
    ]


def test_everything_wrong_in_the_files_is_said_at_once(tmp_path: Path) -> None:
    assert refuse(tmp_path, "-r a.txt", "-r ../b.txt", "-r c.txt", a="x=1\n\n--upgrade\n") == [
        (
            (
                "`conda_dependencies.yml`:5: dependencies[1].pip[1]: "
                "`../b.txt` lies outside the definition's directory, and is not read"
            ),
            "put a copy beside the definition",
        ),
        (
            "`conda_dependencies.yml`:6: dependencies[1].pip[2]: `c.txt` is not there",
            f"put it into `{tmp_path}`, or correct its path",
        ),
        ("`a.txt`:1: `x=1` is not a pip requirement", "did you mean `x==1`?"),
        ("`a.txt`:3: `--upgrade` is not an option that a pip section can hold", None),
    ]


def test_link_out_of_the_definition_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("a")
    directory = write_definition(tmp_path / "definition")
    (directory / "r.txt").symlink_to("../outside.txt")
    ((finding, _),) = refuse(directory, "-r r.txt")
    assert "`r.txt` lies outside the definition's directory" in finding


def test_what_is_no_path_or_a_circle_of_links_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    long = "a" * 5000
    found = refuse(tmp_path, "-r loop.txt", f"-c {long}")
    assert ["is not there" in text for text, _ in found] == [True, True]
    (finding,) = refuse(tmp_path, "-r r.txt", r="-r a\0b\n")
    assert "`a\\x00b` is not there" in finding[0]


def test_chain_of_files_has_an_end(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number}.txt").write_text(f"-r {number + 1}.txt\n")
    assert refuse(tmp_path, "-r 0.txt") == [
        ("`19.txt`:1: more than 20 requirements files are named", None)
    ]


def test_definition_without_conda_has_no_section(tmp_path: Path) -> None:
    document = document_with(python__userManagedDependencies=True)
    write_definition(tmp_path, document, conda=None)
    assert read_pip_section(definitions.load(tmp_path).spec) == (PipSection(), ())


def test_findings_about_inline_dependencies_name_the_json(tmp_path: Path) -> None:
    inline = {"dependencies": ["python=3.9", {"pip": ["-e ."]}]}
    write_definition(tmp_path, document_with(python__condaDependencies=inline), conda=None)
    _, (finding,) = read_pip_section(definitions.load(tmp_path).spec)
    assert finding.file == str(tmp_path / "azureml_environment.json")
    assert (finding.key_path, finding.line) == ("dependencies[1].pip[0]", None)


def test_section_that_no_file_holds_is_read_too(tmp_path: Path) -> None:
    write_definition(tmp_path)
    read_spec = replace(definitions.load(tmp_path).spec, files=())
    section, _ = read_pip_section(read_spec)
    assert [one.name for one in section.requirements] == ["azureml-defaults"]


def test_fifo_in_place_of_a_file_ends_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "r.txt")
    start = time.perf_counter()
    ((finding, _),) = refuse(tmp_path, "-r r.txt")
    assert finding == "`r.txt`: this is not a regular file, where a file should be"
    assert time.perf_counter() - start < 1


def test_pip_item_is_found_again() -> None:
    text = "dependencies:\n- python=3.10\n- numpy\n- pip:\n  - flask\n  - 'torch '\n"
    conda = load_conda(text, Report("c.yml"))
    assert conda is not None
    assert locate_pip_item(conda, "torch") == ("dependencies[2].pip[1]", Place(6, 5))
    assert locate_pip_item(conda, "gone") == ("", None)
    assert locate_pip_item(CondaSpec(), "flask") == ("", None)
    assert locate_pip_item(CondaSpec(text="- flask"), "flask") == ("", None)
    assert locate_pip_item(CondaSpec(text="name: flask"), "flask") == ("", None)
