"""What of a source folder is copied, seen in what is there afterwards."""

from __future__ import annotations

import os
import socket
import stat
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from envsync.errors import DefinitionError
from envsync.model.scoring.service import AppFiles, PlacedModel
from envsync.score.app_files import list_app, write_members
from envsync.score.source.tree import SourceRules, list_tree

if TYPE_CHECKING:
    from pathlib import Path

MEBIBYTE = 1 << 20


@pytest.fixture
def source(tmp_path: Path) -> Path:
    made = tmp_path / "churn"
    made.mkdir()
    (made / "score.py").write_text("# score")
    return made


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def copied(source: Path, root: Path, left_out: frozenset[Path] = frozenset()) -> set[str]:
    """Copy *source* below *root*; return the files that are there then."""
    files = AppFiles(entry_script=source / "score.py", source=source)
    root.mkdir()
    write_members(tuple(list_app(files, left_out)), root)
    place = (root / source.name).resolve()
    return {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("patterns", "kept"),
    [
        ("data/\n", {"lib/data.py", "lib/deep/x.csv", "x.csv"}),
        ("*.csv\n", {"data/keep.txt", "lib/data.py"}),
        (
            "/x.csv\n# a comment\n\n",
            {"data/keep.txt", "data/x.csv", "lib/data.py", "lib/deep/x.csv"},
        ),
        ("**/deep\n/data\n", {"lib/data.py", "x.csv"}),
        ("data/\n!data/keep.txt\n", {"data/keep.txt", "lib/data.py", "lib/deep/x.csv", "x.csv"}),
        ("*\n!score.py\n!lib/*.py\n", {"lib/data.py"}),
        ("\\#no\nlib", {"data/keep.txt", "data/x.csv", "x.csv"}),
    ],
)
@pytest.mark.parametrize("name", [".amlignore", ".gitignore"])
def test_what_the_ignore_file_names_stays_behind(
    source: Path, tmp_path: Path, name: str, patterns: str, kept: set[str]
) -> None:
    put(source, "data/x.csv", "data/keep.txt", "lib/deep/x.csv", "lib/data.py", "x.csv")
    (source / name).write_text(patterns)

    assert copied(source, tmp_path / "root") - {name} == kept | {"score.py"}


def test_a_gitignore_does_not_count_beside_an_amlignore(source: Path, tmp_path: Path) -> None:
    put(source, "model.pkl", "data.csv")
    (source / ".gitignore").write_text("*.pkl\n")
    (source / ".amlignore").write_text("*.csv\n")

    assert "model.pkl" in copied(source, tmp_path / "root")
    assert not (tmp_path / "root/churn/data.csv").exists()


def test_an_ignore_file_below_the_source_does_not_count(source: Path, tmp_path: Path) -> None:
    put(source, "lib/a.py")
    (source / "lib/.amlignore").write_text("*\n")

    assert "lib/a.py" in copied(source, tmp_path / "root")


def test_an_ignored_folder_is_not_even_read(source: Path) -> None:
    (source / "closed").mkdir()
    (source / ".amlignore").write_text("closed/\n")
    (source / "closed/out").symlink_to("/etc")

    assert [one.relative for one in list_tree(source, SourceRules())] == [".amlignore", "score.py"]


def test_an_entry_script_that_is_ignored_is_refused(source: Path) -> None:
    (source / ".gitignore").write_text("*.py\n")
    files = AppFiles(entry_script=source / "score.py", source=source)

    with pytest.raises(DefinitionError, match=r"`score\.py` is left out of the source"):
        tuple(list_app(files))


def test_a_model_that_is_ignored_comes_all_the_same(source: Path, tmp_path: Path) -> None:
    put(source, "model/m.pkl")
    (source / ".gitignore").write_text("model/\n")
    model = PlacedModel(place="azureml-models/model/1", path=source / "model")
    files = AppFiles(entry_script=source / "score.py", source=source, models=(model,))
    (tmp_path / "root").mkdir()
    write_members(tuple(list_app(files)), tmp_path / "root")

    assert (tmp_path / "root/azureml-models/model/1/m.pkl").read_text() == "model/m.pkl"
    assert (tmp_path / "root/churn/model").is_symlink()


@pytest.mark.parametrize("target", [".ssh", ".ssh/id_rsa"])
def test_a_link_out_of_the_source_is_refused_and_nothing_is_read(
    source: Path, tmp_path: Path, target: str
) -> None:
    put(tmp_path / "home", ".ssh/id_rsa")
    (source / "data").symlink_to(tmp_path / "home" / target)
    before = (tmp_path / "home/.ssh/id_rsa").stat().st_atime_ns

    with pytest.raises(DefinitionError, match="which is not in the source") as caught:
        copied(source, tmp_path / "root")
    assert f"{source}/.amlignore" in str(caught.value.hint)
    assert list((tmp_path / "root").iterdir()) == []
    assert (tmp_path / "home/.ssh/id_rsa").stat().st_atime_ns == before


def test_a_link_out_of_the_source_that_is_ignored_stays_behind(
    source: Path, tmp_path: Path
) -> None:
    (source / "data").symlink_to("/etc")
    (source / ".amlignore").write_text("data\ndata/\n")

    assert copied(source, tmp_path / "root") == {".amlignore", "score.py"}


def test_links_out_of_the_source_are_followed_where_that_is_asked_for(
    source: Path, tmp_path: Path
) -> None:
    put(tmp_path, "common/shared.py")
    (source / "common").symlink_to(tmp_path / "common")
    found = list_tree(source, SourceRules(follows_links=True))

    assert [one.relative for one in found] == ["common", "common/shared.py", "score.py"]


def test_credentials_and_what_tools_keep_stay_behind(source: Path, tmp_path: Path) -> None:
    put(source, ".ssh/id_rsa", ".aws/credentials", ".netrc", ".git/config", "lib/.azure/token")
    (source / "keys").symlink_to(".ssh")

    assert copied(source, tmp_path / "root") == {"score.py"}


def test_the_folders_of_envsync_itself_stay_behind(source: Path, tmp_path: Path) -> None:
    put(source, "home/services/churn/1/log", "a.py")
    (source / "log").symlink_to("home/services/churn/1")
    home = (source / "home").resolve()

    assert copied(source, tmp_path / "root", frozenset({home})) == {"a.py", "score.py"}


def test_a_source_in_the_folders_of_envsync_is_copied(source: Path, tmp_path: Path) -> None:
    put(source, "a.py")
    (source / "b.py").symlink_to("a.py")

    assert copied(source, tmp_path / "root", frozenset({tmp_path})) == {"a.py", "b.py", "score.py"}


def test_pipes_sockets_and_what_links_to_them_stay_behind(source: Path, tmp_path: Path) -> None:
    os.mkfifo(source / "pipe")
    os.mkfifo(source / ".amlignore")
    (source / "link").symlink_to("pipe")
    (source / "zero").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(source / "door"))

        assert copied(source, tmp_path / "root") == {"score.py"}


def test_a_file_that_becomes_a_pipe_is_not_waited_for(source: Path, tmp_path: Path) -> None:
    put(source, "a.csv")
    files = AppFiles(entry_script=source / "score.py", source=source)
    members = tuple(list_app(files))
    (source / "a.csv").unlink()
    os.mkfifo(source / "a.csv")
    (tmp_path / "root").mkdir()

    with pytest.raises(Exception, match="not a regular file"):
        write_members(members, tmp_path / "root")


def test_an_ignore_file_that_is_too_large_is_refused_and_not_read(source: Path) -> None:
    with (source / ".amlignore").open("wb") as stream:
        stream.truncate(3 << 30)
    tracemalloc.start()
    try:
        with pytest.raises(DefinitionError, match=r"\.amlignore`: It has more than 1048576 bytes"):
            tuple(list_tree(source, SourceRules()))
        assert tracemalloc.get_traced_memory()[1] < 16 * MEBIBYTE
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_links_that_would_become_billions_of_files_are_refused(source: Path) -> None:
    for level in range(12):
        folder = source / f"level{level}"
        folder.mkdir()
        for number in range(10):
            (folder / str(number)).symlink_to(f"../level{level + 1}")
    (source / "level12").mkdir()

    with pytest.raises(DefinitionError, match="more than 1000 links to folders"):
        tuple(list_tree(source, SourceRules()))


def test_a_source_that_is_too_deep_to_be_removed_again_is_refused(source: Path) -> None:
    deep = source
    for _ in range(300):
        deep /= "d"
        deep.mkdir()

    with pytest.raises(DefinitionError, match="has folders more than 200 deep"):
        tuple(list_tree(source, SourceRules()))


def grow(path: Path, mebibytes: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        stream.truncate(mebibytes * MEBIBYTE)


def test_a_source_over_the_limit_is_refused_with_what_is_largest_in_it(
    source: Path, tmp_path: Path
) -> None:
    grow(source / "data/train.csv", 200)
    grow(source / "data/more/test.csv", 90)
    grow(source / "weights.bin", 11)

    with pytest.raises(DefinitionError) as caught:
        copied(source, tmp_path / "root")
    assert caught.value.message == (
        f"The source `{source}` has 301 MiB, and 300 MiB are the limit\n"
        "  290 MiB in `data/`\n"
        "  11 MiB in `weights.bin`"
    )
    assert f"{source}/.amlignore" in str(caught.value.hint)
    assert list((tmp_path / "root").iterdir()) == []


def test_only_what_is_copied_counts(source: Path) -> None:
    grow(source / "data/train.csv", 400)
    grow(source / "model/m.bin", 400)
    (source / ".amlignore").write_text("data/\n")
    model = PlacedModel(place="azureml-models/model/1", path=source / "model")
    files = AppFiles(entry_script=source / "score.py", source=source, models=(model,))

    paths = {member.path for member in list_app(files)}
    assert ".source-1/model" in paths
    assert ".source-1/data" not in paths


def test_a_large_source_is_taken_where_that_is_asked_for(source: Path) -> None:
    grow(source / "train.csv", 400)
    files = AppFiles(entry_script=source / "score.py", source=source, allows_large=True)

    assert ".source-1/train.csv" in {member.path for member in list_app(files)}


def test_nobody_else_can_read_a_copy_whatever_the_umask(source: Path, tmp_path: Path) -> None:
    put(source, "lib/a.py", "run.sh")
    (source / "run.sh").chmod(0o775)
    (source / "lib/a.py").chmod(0o444)
    mask = os.umask(0)
    try:
        copied(source, tmp_path / "root")
    finally:
        os.umask(mask)
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "root").rglob("*")
        if not path.is_symlink()
    }

    assert modes == {
        ".source-1": 0o700,
        "azureml-models": 0o700,
        "lib": 0o700,
        "a.py": 0o600,
        "run.sh": 0o700,
        "score.py": 0o600,
    }
