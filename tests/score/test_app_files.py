from __future__ import annotations

import os
from pathlib import Path

import pytest

from envsync.errors import DefinitionError, EnvsyncError
from envsync.model.scoring.service import AppFiles, PlacedModel
from envsync.score.app_files import (
    entry_script_place,
    list_app,
    list_links,
    list_source,
    source_name,
    version_of,
    write_members,
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    made = tmp_path / "churn"
    (made / "lib").mkdir(parents=True)
    (made / "score.py").write_text("# score")
    (made / "lib/helper.py").write_text("# helper")
    return made


def lay_out(files: AppFiles, root: Path) -> Path:
    root.mkdir()
    write_members(tuple(list_app(files)), root)
    return root


def test_source_and_models_lie_as_azure_ml_has_them(source: Path, tmp_path: Path) -> None:
    (tmp_path / "m.pkl").write_text("model")
    (tmp_path / "big").mkdir()
    (tmp_path / "big/part").write_text("part")
    files = AppFiles(
        entry_script=source / "score.py",
        source=source,
        models=(
            PlacedModel(place="azureml-models/one/1/m.pkl", path=tmp_path / "m.pkl"),
            PlacedModel(place="azureml-models/two/3/big", path=tmp_path / "big"),
        ),
    )
    root = lay_out(files, tmp_path / "root")

    assert (root / "churn/score.py").read_text() == "# score"
    assert (root / "churn/lib/helper.py").read_text() == "# helper"
    assert (root / "azureml-models/one/1/m.pkl").read_text() == "model"
    assert (root / "azureml-models/two/3/big/part").read_text() == "part"
    assert entry_script_place(files) == "churn/score.py"


def test_a_script_without_a_source_folder_comes_alone_and_as_main(
    source: Path, tmp_path: Path
) -> None:
    root = lay_out(AppFiles(entry_script=source / "score.py"), tmp_path / "root")

    assert {path.name for path in root.iterdir() if not path.name.startswith(".")} == {
        "azureml-models",
        "main.py",
        "score.py",
    }
    assert (root / "main.py").read_text() == "# score"


def test_a_model_in_the_source_folder_is_copied_once(source: Path, tmp_path: Path) -> None:
    (source / "model").mkdir()
    (source / "model/m.pkl").write_text("model")
    model = PlacedModel(place="azureml-models/model/1", path=source / "model")
    files = AppFiles(entry_script=source / "score.py", source=source, models=(model,))
    root = lay_out(files, tmp_path / "root")

    assert (root / "churn/model").is_symlink()
    assert (root / "churn/model/m.pkl").read_text() == "model"
    (root / "churn/lib/helper.py").resolve(strict=True)


def test_new_source_is_used_once_it_is_linked(source: Path, tmp_path: Path) -> None:
    files = AppFiles(entry_script=source / "score.py", source=source)
    root = lay_out(files, tmp_path / "root")
    (source / "score.py").write_text("# new")
    (source / "lib/helper.py").unlink()
    write_members(tuple(list_source(files, "2")), root)
    before = (root / "churn/score.py").read_text()
    write_members(list_links(files, "2"), root)

    assert (before, (root / "churn/score.py").read_text()) == ("# score", "# new")
    assert not (root / "churn/lib/helper.py").exists()
    assert version_of(str((root / "churn").readlink())) == "2"


def test_what_versions_and_caches_hold_stays_behind(source: Path) -> None:
    for name in (".git", "__pycache__", ".ipynb_checkpoints"):
        (source / name).mkdir()
        (source / name / "x").write_text("")
    paths = [
        member.path
        for member in list_source(AppFiles(entry_script=source / "score.py", source=source), "1")
    ]

    assert paths == [
        ".source-1",
        ".source-1/lib",
        ".source-1/lib/helper.py",
        ".source-1/score.py",
    ]


def test_links_are_followed_but_not_in_circles(source: Path, tmp_path: Path) -> None:
    (source / "lib/common.py").write_text("# shared")
    (source / "shared.py").symlink_to("lib/common.py")
    (source / "nowhere").symlink_to(tmp_path / "not there")
    (source / "itself").symlink_to("itself")
    os.mkfifo(source / "pipe")
    (source / "to pipe").symlink_to("pipe")
    (source / "device").symlink_to("/dev/zero")
    files = AppFiles(entry_script=source / "score.py", source=source)
    root = lay_out(files, tmp_path / "root")
    (source / "lib/up").symlink_to(source)

    assert not (root / "churn/shared.py").is_symlink()
    assert (root / "churn/shared.py").read_text() == "# shared"
    assert not (root / "churn/nowhere").exists()
    assert {path.name for path in (root / "churn").iterdir()} == {"lib", "score.py", "shared.py"}
    with pytest.raises(DefinitionError, match="links back to a folder that it is in"):
        list(list_source(files, "2"))


def test_two_models_in_one_place_are_refused(source: Path, tmp_path: Path) -> None:
    models = tuple(
        PlacedModel(place="azureml-models/m/1/x", path=tmp_path / name) for name in ("a", "b")
    )
    for model in models:
        model.path.write_text("")
    files = AppFiles(entry_script=source / "score.py", models=models)

    with pytest.raises(DefinitionError, match="would both be `azureml-models/m/1/x`"):
        list(list_app(files))


def test_a_model_that_is_not_there_is_said(source: Path, tmp_path: Path) -> None:
    model = PlacedModel(place="azureml-models/m/1/x", path=tmp_path / "none")

    with pytest.raises(DefinitionError, match=r"Cannot read `.*none`: No such file or directory"):
        list(list_app(AppFiles(entry_script=source / "score.py", models=(model,))))


def test_a_full_or_missing_place_is_said(source: Path, tmp_path: Path) -> None:
    files = AppFiles(entry_script=source / "score.py", source=source)
    (tmp_path / "root").write_text("a file")

    with pytest.raises(EnvsyncError, match=r"Cannot write `.*root"):
        write_members(tuple(list_app(files)), tmp_path / "root")


@pytest.mark.parametrize(
    ("name", "expected"), [("churn", "churn"), ("azureml-models", "source"), ("src 1", "src 1")]
)
def test_a_source_folder_keeps_its_name_unless_that_is_taken(name: str, expected: str) -> None:
    path = Path("/somewhere") / name

    assert source_name(AppFiles(entry_script=path / "score.py", source=path)) == expected


def test_a_script_outside_of_the_source_is_told_as_such(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (tmp_path / "score.py").touch()
    files = AppFiles(entry_script=source / ".." / "score.py", source=source)

    with pytest.raises(DefinitionError, match="lies outside of the source"):
        tuple(list_app(files))
