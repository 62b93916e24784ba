"""What of a model is copied, seen in what is there afterwards."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from envsync.errors import DefinitionError
from envsync.model.scoring.service import AppFiles, PlacedModel
from envsync.score.app_files import list_app, write_members
from envsync.score.models.copy import copy_model

if TYPE_CHECKING:
    from pathlib import Path

PLACE = "azureml-models/m/1"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    made = tmp_path / "definition/model"
    put(made, "m.pkl", "deep/weights")
    return made


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def serve(
    model: Path, root: Path, *, follows: bool = False, within: Path | None = None
) -> set[str]:
    """Copy *model* below *root* as a service has it; return the files that are there then."""
    script = root.parent / "score.py"
    script.write_text("")
    placed = PlacedModel(place=PLACE, path=model, within=within)
    members = tuple(
        list_app(AppFiles(entry_script=script, models=(placed,), follows_links=follows))
    )
    root.mkdir()
    write_members(members, root)
    return files_of(root / PLACE)


def register(model: Path, root: Path, *, follows: bool = False) -> set[str]:
    copy_model(model, root, read_only=True, follows_links=follows)
    return files_of(root)


def files_of(folder: Path) -> set[str]:
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("copy", [serve, register])
@pytest.mark.parametrize("target", [".ssh", ".ssh/id_rsa"])
def test_a_link_out_of_a_model_is_refused_and_nothing_is_read(
    model: Path, tmp_path: Path, copy: object, target: str
) -> None:
    assert callable(copy)
    put(tmp_path / "home", ".ssh/id_rsa")
    (model / "deep/data").symlink_to(tmp_path / "home" / target)
    before = (tmp_path / "home/.ssh/id_rsa").stat().st_atime_ns

    with pytest.raises(DefinitionError, match="which is not in the model") as caught:
        copy(model, tmp_path / "root")
    assert "--follow-links" in str(caught.value.hint)
    assert not (tmp_path / "root").exists()
    assert (tmp_path / "home/.ssh/id_rsa").stat().st_atime_ns == before


@pytest.mark.parametrize("copy", [serve, register])
def test_links_out_of_a_model_are_followed_where_that_is_asked_for(
    model: Path, tmp_path: Path, copy: object
) -> None:
    assert callable(copy)
    put(tmp_path, "store/tokens", "vocabulary")
    (model / "store").symlink_to(tmp_path / "store")
    (model / "vocabulary").symlink_to(tmp_path / "vocabulary")

    found = copy(model, tmp_path / "root", follows=True)
    assert found == {"m.pkl", "deep/weights", "store/tokens", "vocabulary"}


@pytest.mark.parametrize("copy", [serve, register])
def test_a_model_that_is_a_link_and_links_inside_of_it_are_followed(
    model: Path, tmp_path: Path, copy: object
) -> None:
    assert callable(copy)
    (model / "latest").symlink_to("m.pkl")
    (model / "again").symlink_to(model / "deep")
    (tmp_path / "named").symlink_to(model)

    found = copy(tmp_path / "named", tmp_path / "root")
    assert found == {"m.pkl", "latest", "deep/weights", "again/weights"}


@pytest.mark.parametrize("copy", [serve, register])
def test_a_hugging_face_snapshot_comes_with_its_blobs(tmp_path: Path, copy: object) -> None:
    assert callable(copy)
    cache = tmp_path / "hub/models--o--n"
    put(cache, "blobs/0a", "blobs/0b", "refs/main")
    (cache / "snapshots/rev/onnx").mkdir(parents=True)
    (cache / "snapshots/rev/config.json").symlink_to("../../blobs/0a")
    (cache / "snapshots/rev/onnx/model.onnx").symlink_to("../../../blobs/0b")

    snapshot = cache / "snapshots/rev"
    assert copy(snapshot, tmp_path / "one") == {"config.json", "onnx/model.onnx"}
    assert copy(snapshot / "onnx", tmp_path / "two") == {"model.onnx"}


@pytest.mark.parametrize("copy", [serve, register])
@pytest.mark.parametrize("way", ["blobs", "file", "refs", "other"])
def test_a_hugging_face_snapshot_is_no_way_out(tmp_path: Path, copy: object, way: str) -> None:
    """Its folder may have come with a hostile definition."""
    assert callable(copy)
    put(tmp_path / "home", ".ssh/id_rsa")
    cache = tmp_path / "hub/models--o--n"
    put(cache, "snapshots/rev/m.pkl", "refs/main")
    put(tmp_path / "hub/models--o--other", "blobs/0a")
    targets = {"refs": "../../refs/main", "other": "../../../models--o--other/blobs/0a"}
    (cache / "snapshots/rev/x").symlink_to(targets.get(way, "../../blobs/id_rsa"))
    if way == "blobs":
        (cache / "blobs").symlink_to(tmp_path / "home/.ssh")
    elif way == "file":
        (cache / "blobs").mkdir()
        (cache / "blobs/id_rsa").symlink_to(tmp_path / "home/.ssh/id_rsa")

    with pytest.raises(DefinitionError, match="which is not in the model"):
        copy(cache / "snapshots/rev", tmp_path / "root")
    assert not (tmp_path / "root").exists()


def test_a_model_that_nobody_named_is_no_link_out_of_its_definition(
    model: Path, tmp_path: Path
) -> None:
    definition = tmp_path / "other"
    put(definition, "models/1/m.pkl")
    (definition / "model").symlink_to(model)
    (definition / "latest").symlink_to("models/1")

    with pytest.raises(DefinitionError, match=f"which is not in `{definition}`"):
        serve(definition / "model", tmp_path / "root", within=definition)
    assert not (tmp_path / "root").exists()
    followed = serve(definition / "model", tmp_path / "one", within=definition, follows=True)
    assert followed == {"m.pkl", "deep/weights"}
    assert serve(definition / "latest", tmp_path / "two", within=definition) == {"m.pkl"}


def test_what_tools_keep_and_what_is_no_file_stays_behind_in_a_service(
    model: Path, tmp_path: Path
) -> None:
    put(model, ".git/config", "deep/__pycache__/a.pyc", ".gitignore")
    (model / ".gitignore").write_text("*\n")
    os.mkfifo(model / "pipe")
    (model / "nowhere").symlink_to("nothing")

    assert serve(model, tmp_path / "root") == {"m.pkl", "deep/weights", ".gitignore"}


def test_a_model_folder_without_bounds_is_refused(model: Path, tmp_path: Path) -> None:
    deep = model
    for _ in range(300):
        deep /= "d"
        deep.mkdir()
    with pytest.raises(DefinitionError, match="has folders more than 200 deep"):
        serve(model, tmp_path / "root")


@pytest.mark.slow
def test_links_that_would_become_billions_of_files_are_refused(tmp_path: Path) -> None:
    for level in range(25):
        (tmp_path / f"model/d{level}").mkdir(parents=True)
        for name in "ab":
            (tmp_path / f"model/d{level}" / name).symlink_to(f"../d{level + 1}")
    (tmp_path / "model/d25").mkdir()

    with pytest.raises(DefinitionError, match="more than 1000 links to folders"):
        serve(tmp_path / "model", tmp_path / "root")
