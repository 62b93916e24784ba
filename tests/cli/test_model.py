"""`envsync model`, and scoring with `--model`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Done

SCRIPT = """
import os

def init():
    global found
    root = os.environ["AZUREML_MODEL_DIR"]
    found = sorted(
        os.path.relpath(os.path.join(folder, name), root)
        for folder, _, names in os.walk(root) for name in names
    )

def run(raw_data):
    return [os.environ["AZUREML_MODEL_DIR"].split("azureml-models")[1], found]
"""


@pytest.fixture
def score(envsync: Callable[..., Done], tmp_path: Path) -> Callable[..., object]:
    """Score a request with a script that says what it finds in its model dir."""
    (tmp_path / "score.py").write_text(SCRIPT)
    (tmp_path / "request.json").write_text("{}")

    def run(*arguments: str) -> object:
        command = ("score", "--python", sys.executable, "--data", "request.json", *arguments)
        done = envsync(*command)
        return json.loads(done.stdout)["result"] if done.status == 0 else done.stderr

    return run


@pytest.fixture
def pickle(tmp_path: Path) -> Path:
    path = tmp_path / "model.pkl"
    path.write_text("weights")
    return path


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "weights").write_text("1")
    return folder


@pytest.mark.usefixtures("pickle")
def test_a_model_is_registered_listed_shown_downloaded_and_deleted(
    envsync: Callable[..., Done], tmp_path: Path
) -> None:
    said = envsync("model", "register", "model.pkl", "-n", "churn", "--tag", "data=a=b")
    assert said.stdout.startswith("Registered `churn:1`: sha256 ")
    header, row = envsync("model", "list").stdout.splitlines()
    assert header.split() == ["MODEL", "REGISTERED", "FILE", "TAGS", "DESCRIPTION"]
    assert row.startswith("churn:1 ")
    assert row.index("model.pkl") == header.index("FILE")
    assert json.loads(envsync("model", "show", "churn", "--json").stdout)["tags"] == {"data": "a=b"}
    assert envsync("model", "download", "churn:1", "-o", "out").status == 0
    assert (tmp_path / "out" / "model.pkl").read_text() == "weights"
    assert envsync("model", "delete", "churn:1").stdout == "Deleted `churn:1`\n"
    assert envsync("model", "list", "--json").stdout == "[]\n"
    assert envsync("model", "list") == (
        0,
        "",
        "No models; `envsync model register` keeps one\n",
    )


@pytest.mark.usefixtures("pickle")
def test_a_download_replaces_only_what_it_is_told_to(
    envsync: Callable[..., Done], tmp_path: Path
) -> None:
    envsync("model", "register", "model.pkl", "-n", "churn")
    (tmp_path / "model.pkl").write_text("mine")

    refused = envsync("model", "download", "churn")
    assert refused.status == 2
    assert refused.stderr == (
        "Error: `model.pkl` is there already\nHint: replace it with `--overwrite`\n"
    )
    assert envsync("model", "download", "churn", "--overwrite").status == 0
    assert (tmp_path / "model.pkl").read_text() == "weights"
    (tmp_path / "model.pkl").write_text("mine again")  # a download may be written to


@pytest.mark.usefixtures("pickle")
def test_a_download_is_held_against_the_digest(
    envsync: Callable[..., Done], tmp_path: Path
) -> None:
    envsync("model", "register", "model.pkl", "-n", "churn")
    kept = json.loads(envsync("model", "show", "churn", "--json").stdout)["path"]
    (tmp_path / kept).chmod(0o644)
    (tmp_path / kept).write_text("other")

    done = envsync("model", "download", "churn", "-o", "out")

    assert done.status == 1
    assert "`churn:1` is not what was registered" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "churn"), "Error: No model `churn` is registered"),
        (("show", "churn:0"), "Error: `churn:0`: `0` is not the version of a model"),
        (("register", "nowhere", "-n", "churn"), "Error: Model `nowhere` is not there"),
        (("register", "/proc/self/mem", "-n", "a"), "Error: Cannot read `/proc/self/mem`"),
        (("register", "model.pkl", "-n", "a/b"), "Error: `a/b` can't be the name of a model"),
        (("register", "model.pkl", "-n", "a", "--tag", "b"), "Error: `b` is no pair"),
        (("delete", "churn"), "Error: `churn` names no version"),
        (("delete", "churn", "--all"), "Error: No model `churn` is registered"),
        (("list", "churn"), "Error: No model `churn` is registered"),
    ],
)
@pytest.mark.usefixtures("pickle")
def test_what_is_wrong_is_said_in_one_line_with_a_hint(
    envsync: Callable[..., Done], arguments: tuple[str, ...], said: str
) -> None:
    done = envsync("model", *arguments)

    assert done.status == 2
    assert done.stderr.startswith(said)
    assert "\nHint: " in done.stderr or "Cannot read" in said


@pytest.mark.usefixtures("pickle")
def test_a_slip_in_a_name_is_answered_with_the_model_that_is_there(
    envsync: Callable[..., Done],
) -> None:
    assert envsync("model", "register", "model.pkl", "-n", "churn-model").status == 0

    for arguments in (("show", "chrun-model"), ("list", "churn_model"), ("download", "churnmodel")):
        done = envsync("model", *arguments)

        assert done.stderr.endswith("is registered\nHint: did you mean `churn-model`?\n")


@pytest.mark.usefixtures("pickle")
def test_one_model_is_given_by_its_own_folder(
    envsync: Callable[..., Done], score: Callable[..., object]
) -> None:
    envsync("model", "register", "model.pkl", "-n", "churn")

    assert score("--model", "churn:1") == ["/churn/1", ["model.pkl"]]
    assert score("--model", "model.pkl") == ["/model.pkl/0", ["model.pkl"]]
    twice = ("--model", "./model.pkl", "--model", "model.pkl")
    assert score(*twice) == ["/model.pkl/0", ["model.pkl"]]


@pytest.mark.usefixtures("bundle")
def test_the_folder_of_a_model_keeps_its_name(score: Callable[..., object]) -> None:
    assert score("--model", "bundle") == ["/bundle/0", ["bundle/data/weights"]]


@pytest.mark.usefixtures("pickle", "bundle")
def test_several_models_are_given_by_the_folder_that_holds_them_all(
    envsync: Callable[..., Done], score: Callable[..., object]
) -> None:
    envsync("model", "register", "model.pkl", "-n", "churn")
    envsync("model", "register", "model.pkl", "-n", "unasked")

    assert score("--model", "churn", "--model", "./bundle") == [
        "",
        ["bundle/0/bundle/data/weights", "churn/1/model.pkl"],
    ]


@pytest.mark.usefixtures("bundle")
def test_a_name_that_may_mean_two_things_is_not_guessed_at(
    envsync: Callable[..., Done], score: Callable[..., object]
) -> None:
    envsync("model", "register", "bundle", "-n", "bundle")

    assert "`bundle` is both a registered model and a path here" in str(score("--model", "bundle"))
    assert score("--model", "bundle:1") == ["/bundle/1", ["bundle/data/weights"]]
    assert score("--model", "./bundle") == ["/bundle/0", ["bundle/data/weights"]]


@pytest.mark.usefixtures("pickle")
def test_models_that_would_lie_in_one_place_are_refused(
    score: Callable[..., object], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "model.pkl").write_text("2")

    said = score("--model", "model.pkl", "--model", "other/model.pkl")

    assert "would both be `model.pkl/0`" in str(said)


@pytest.mark.usefixtures("pickle")
def test_what_is_arranged_stays_while_it_is_served_and_no_longer(
    score: Callable[..., object], tmp_path: Path
) -> None:
    root = tmp_path.parent / os.environ["ENVSYNC_HOME"] / "models"
    command = [sys.executable, "-m", "envsync", "serve", "--python", sys.executable]
    command += ["--port", "0", "--model", "model.pkl"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        while "Ready" not in server.stderr.readline():
            assert server.poll() is None
        (served,) = root.glob(".arranged.*")
        assert score("--model", "./model.pkl") == ["/model.pkl/0", ["model.pkl"]]
        assert served.exists()
        server.terminate()
    score("--model", "./model.pkl")
    assert not served.exists()


def test_a_model_and_a_model_dir_exclude_each_other(score: Callable[..., object]) -> None:
    assert "exclude each other" in str(score("--model", "m", "--model-dir", "d"))


def test_a_model_that_is_nowhere_is_named(score: Callable[..., object]) -> None:
    assert "`m` is neither a registered model nor a path" in str(score("--model", "m"))
    assert "`m:1` is neither a registered model nor a path" in str(score("--model", "m:1"))
    assert "Model `m` is not there" in str(score("--model", "./m"))


def test_a_pickle_is_never_opened_outside_the_environment(
    envsync: Callable[..., Done], score: Callable[..., object], tmp_path: Path
) -> None:
    bomb = b"cos\nsystem\n(S'touch exploded'\ntR."
    (tmp_path / "model.pkl").write_bytes(bomb)

    envsync("model", "register", "model.pkl", "-n", "bomb")
    envsync("model", "show", "bomb")
    envsync("model", "download", "bomb", "-o", "out")
    score("--model", "bomb")

    assert (tmp_path / "out" / "model.pkl").read_bytes() == bomb
    assert not (tmp_path / "exploded").exists()


def test_links_out_of_a_model_are_copied_only_where_that_is_asked_for(
    envsync: Callable[..., Done], tmp_path: Path, bundle: Path, pickle: Path
) -> None:
    (bundle / "m.pkl").symlink_to(pickle)
    refused = envsync("model", "register", "bundle", "-n", "churn")
    listed = envsync("model", "list", "--json").stdout
    taken = envsync("model", "register", "bundle", "-n", "churn", "--follow-links")

    assert refused.status == 2
    assert refused.stderr == (
        f"Error: `{bundle}/m.pkl` links to `{pickle}`, which is not in the model\n"
        "Hint: put a copy in its place, or copy what such links lead to: `--follow-links`, "
        "in Python `follow_links=True`\n"
    )
    assert listed == "[]\n"
    assert taken.status == 0, taken.stderr
    assert envsync("model", "download", "churn", "-o", "out").status == 0
    assert (tmp_path / "out/bundle/m.pkl").read_text() == "weights"
