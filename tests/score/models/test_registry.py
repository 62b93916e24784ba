"""The registry of models, as others find it: on disk, from two processes, after a kill."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from envsync.errors import DefinitionError, EnvsyncError
from envsync.model.scoring.registered_model import ModelNotes, RegisteredModel
from envsync.score.models.registry import ModelRegistry

if TYPE_CHECKING:
    from pathlib import Path

NOTES = ModelNotes(tags=(("data", "2024-05"), ("ü", "=")), description="ridge", framework="Custom")
CREATED = "2024-05-01T00:00:00Z"


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(tmp_path / "models")


@pytest.fixture
def pickle(tmp_path: Path) -> Path:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"no pickle at all")
    return path


def register(registry: ModelRegistry, path: Path, name: str = "churn") -> RegisteredModel:
    return registry.register(path, name, NOTES, created=CREATED)


def everything_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_registered_model_is_found_with_all_that_was_said_of_it(
    registry: ModelRegistry, pickle: Path
) -> None:
    made = register(registry, pickle)

    assert registry.find("churn") == registry.find("churn", 1) == made
    assert made.notes == NOTES
    assert (made.sha256, made.size) == (hashlib.sha256(pickle.read_bytes()).hexdigest(), 16)
    assert made.path.read_bytes() == pickle.read_bytes()


def test_versions_count_up_past_nine_and_are_never_used_again(
    registry: ModelRegistry, pickle: Path
) -> None:
    for _ in range(11):
        register(registry, pickle)
    registry.delete("churn", 11)

    assert registry.find("churn").version == 10
    assert register(registry, pickle).version == 12


def test_the_layout_is_what_the_sdk_looks_for(
    registry: ModelRegistry, pickle: Path, tmp_path: Path
) -> None:
    register(registry, pickle)
    version = tmp_path / "models" / "azureml-models" / "churn" / "1"

    assert [path.name for path in version.iterdir()] == ["model.pkl"]
    assert [path.name for path in version.parent.iterdir()] == ["1"]


def test_the_digest_of_a_folder_is_what_sha256sum_says_of_its_files(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    folder = tmp_path / "bundle"
    (folder / "deep").mkdir(parents=True)
    for name in ("b", "a b", "deep/ü"):
        (folder / name).write_text(name)
    listed = "find . -type f | cut -c3- | LC_ALL=C sort | tr '\\n' '\\0' | xargs -0 sha256sum"
    command = ["sh", "-c", f"({listed}) | sha256sum"]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)

    assert register(registry, folder).sha256 == said.stdout.split()[0]


def test_what_links_lead_to_is_copied(registry: ModelRegistry, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/real").write_text("weights")
    (folder / "weights").symlink_to("deep/real")

    copied = register(registry, folder).path / "weights"

    assert copied.read_text() == "weights"
    assert not copied.is_symlink()


def test_a_registered_model_is_not_written_to_by_accident(
    registry: ModelRegistry, pickle: Path
) -> None:
    assert register(registry, pickle).path.stat().st_mode & 0o222 == 0


def make_fifo(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


def make_loop(folder: Path) -> None:
    (folder / "again").symlink_to(folder)


def make_dangling(folder: Path) -> None:
    (folder / "weights").symlink_to("nowhere")


def make_way_out(folder: Path) -> None:
    (folder / "key").symlink_to("/etc/passwd")


def make_depth(folder: Path) -> None:
    for _ in range(300):
        folder /= "d"
        folder.mkdir()


def make_bomb(folder: Path) -> None:
    for level in range(25):
        (folder / f"d{level}").mkdir()
        for name in "ab":
            (folder / f"d{level}" / name).symlink_to(f"../d{level + 1}")
    (folder / "d25").mkdir()


def make_nothing(folder: Path) -> None:
    (folder / "empty").mkdir()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (make_fifo, "is neither a file nor a folder"),
        (make_loop, "links back to a folder that it is in"),
        (make_dangling, "Cannot read"),
        (make_nothing, "holds no file"),
        (make_way_out, "key` links to `/etc/passwd`, which is not in the model"),
        (make_depth, "has folders more than 200 deep"),
        (make_bomb, "has more than 1000 links to folders"),
    ],
)
def test_what_is_no_model_leaves_nothing_behind(
    registry: ModelRegistry, tmp_path: Path, make: object, said: str
) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    assert callable(make)
    make(folder)

    with pytest.raises(DefinitionError, match=said):
        register(registry, folder)

    assert everything_below(tmp_path / "models") == {".envsync.lock"}


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "..", "a b", "ü", "x" * 256, "a\n"])
def test_names_that_azure_ml_would_not_take_are_refused(
    registry: ModelRegistry, pickle: Path, name: str
) -> None:
    with pytest.raises(DefinitionError, match="can't be the name of a model"):
        register(registry, pickle, name)


def test_the_folder_that_holds_the_registry_is_no_model(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    with pytest.raises(DefinitionError, match="holds the registry itself"):
        register(registry, tmp_path)


def test_a_damaged_version_is_named_and_can_be_deleted(
    registry: ModelRegistry, pickle: Path, tmp_path: Path
) -> None:
    register(registry, pickle)
    (tmp_path / "models" / "metadata" / "churn" / "1.json").write_text("{}")

    with pytest.raises(EnvsyncError, match=r"1\.json` is not what was written") as caught:
        registry.list_models()

    assert caught.value.hint is not None
    assert "envsync model delete churn:1" in caught.value.hint
    registry.delete("churn", 1)
    assert registry.list_models() == ()


def test_deleting_leaves_nothing_of_the_version(
    registry: ModelRegistry, pickle: Path, tmp_path: Path
) -> None:
    register(registry, pickle)
    registry.delete("churn", 1)

    left = {".envsync.lock", "metadata/churn/last-version"}
    assert everything_below(tmp_path / "models") == left
    with pytest.raises(DefinitionError, match="No model `churn` is registered"):
        registry.delete("churn", 1)


REGISTER = """
import sys
from pathlib import Path
from envsync.model.scoring.registered_model import ModelNotes
from envsync.score.models.registry import ModelRegistry
registry = ModelRegistry(Path(sys.argv[1]))
for _ in range(int(sys.argv[3])):
    registry.register(Path(sys.argv[2]), "churn", ModelNotes(), created="now")
"""


def start_registering(root: Path, source: Path, times: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", REGISTER, str(root), str(source), str(times)])


@pytest.mark.slow
def test_registrations_at_once_get_a_version_each(
    registry: ModelRegistry, pickle: Path, tmp_path: Path
) -> None:
    running = [start_registering(tmp_path / "models", pickle, 5) for _ in range(3)]

    assert [process.wait() for process in running] == [0, 0, 0]
    assert registry.versions("churn") == tuple(range(1, 16))
    assert len(registry.list_models()) == 15


@pytest.mark.slow
def test_one_that_is_killed_leaves_whole_versions_only(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    for number in range(40):
        (folder / str(number)).write_bytes(os.urandom(20_000))
    for _ in range(6):
        before = len(registry.versions("churn"))
        process = start_registering(tmp_path / "models", folder, 1000)
        while len(registry.versions("churn")) == before and process.poll() is None:
            time.sleep(0.003)
        process.send_signal(signal.SIGKILL)
        process.wait()

    digests = {model.sha256 for model in registry.list_models()}
    last = register(registry, folder)

    assert digests == {last.sha256}
    assert {path.name for path in (tmp_path / "models").iterdir()} == {
        ".envsync.lock",
        "azureml-models",
        "metadata",
    }
    for model in registry.list_models():
        assert len(list(model.path.iterdir())) == 40


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, pickle: Path) -> None:
    registry = ModelRegistry(tmp_path / "models")
    limited = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
    )
    command = [sys.executable, "-c", limited + REGISTER, str(tmp_path / "models"), str(pickle), "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert "Cannot write" in done.stderr
    assert registry.list_models() == ()
    assert everything_below(tmp_path / "models") == {".envsync.lock"}


def test_the_record_says_what_is_known(
    registry: ModelRegistry, pickle: Path, tmp_path: Path
) -> None:
    register(registry, pickle)

    record = json.loads((tmp_path / "models" / "metadata" / "churn" / "1.json").read_text("utf-8"))

    assert record["tags"] == {"data": "2024-05", "ü": "="}
    assert (record["name"], record["version"], record["file"]) == ("churn", 1, "model.pkl")
