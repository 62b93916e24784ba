from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.images.base_archive import ARCHITECTURE, write_base
from support.images.images import list_members, print_id, read_layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Done

pytestmark = pytest.mark.e2e


def test_the_id_is_known_before_anything_is_built(locked: Callable[..., Done]) -> None:
    first = print_id(locked)
    done = locked("build-local", "d", "--base", "base.tar", "--output", "image.tar")

    with tarfile.open("image.tar") as archive:
        manifest = json.loads(archive.extractfile("manifest.json").read())  # type: ignore[union-attr]
    assert first == f"sha256:{Path(manifest[0]['Config']).name}"
    assert manifest[0]["RepoTags"] == ["d:latest"]
    assert done.stdout == ""
    assert done.stderr.splitlines()[-2:] == [
        f"Image `d:latest`: `{first}`",
        "Run it with `docker load -i image.tar` and `docker run d:latest`",
    ]


def test_the_image_holds_the_environment_at_its_final_path(
    locked: Callable[..., Done], tmp_path: Path
) -> None:
    assert locked("build-local", "d", "--base", "base.tar", "--output", "image.tar").status == 0
    members = list_members(tmp_path / "image.tar")
    prefix = "/azureml-envs/d"
    texts = [content for content in members.values() if isinstance(content, bytes)]

    assert isinstance(members[f"{prefix}/bin/python3.11"], bytes) or any(
        path.startswith(f"{prefix}/bin/python") for path in members
    )
    assert json.loads(members[f"{prefix}/conda-meta/state"] or b"") == {
        "env_vars": {"GREETING": "hello"},
        "version": 1,
    }
    records = [path for path in members if path.startswith(f"{prefix}/conda-meta/six-1.17")]
    record = json.loads(members[records[0]] or b"")
    assert record["requested_specs"] == ["six 1.17.*"]
    assert not any(str(tmp_path).encode() in text for text in texts)
    assert not any(b"staging-" in text for text in texts)
    assert any(path.endswith("/idna-3.10.dist-info/RECORD") for path in members)


def test_the_settings_are_those_of_azure_mls_own_images(
    locked: Callable[..., Done], tmp_path: Path
) -> None:
    assert locked("build-local", "d", "--base", "base.tar", "--oci", "layout").status == 0
    _, config = read_layout(tmp_path / "layout")

    assert config["created"] == "1980-01-01T00:00:00Z"
    assert (config["os"], config["architecture"]) == ("linux", ARCHITECTURE)
    settings = config["config"]
    assert isinstance(settings, dict)
    assert settings["Cmd"] == ["bash"]
    assert settings["Env"] == [
        "PATH=/azureml-envs/d/bin:/usr/bin:/bin",
        "CONDA_DEFAULT_ENV=/azureml-envs/d",
        "CONDA_PREFIX=/azureml-envs/d",
        "AZUREML_CONDA_ENVIRONMENT_PATH=/azureml-envs/d",
        "AZUREML_ENVIRONMENT_IMAGE=True",
        "GREETING=hello",
    ]
    assert sorted(settings["Labels"]) == ["envsync.lock", "org.opencontainers.image.title"]


def test_source_date_epoch_is_when_the_image_was_made_and_moves_no_layer(
    locked: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked("build-local", "d", "--base", "base.tar", "--oci", "one")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    locked("build-local", "d", "--base", "base.tar", "--oci", "two")
    one, two = read_layout(tmp_path / "one"), read_layout(tmp_path / "two")

    assert two[1]["created"] == "2023-11-14T22:13:20Z"
    assert one[0]["layers"] == two[0]["layers"]


def test_every_way_out_carries_the_same_image(locked: Callable[..., Done], registry: str) -> None:
    if not shutil.which("skopeo"):
        pytest.skip("needs skopeo")
    name = f"{registry}/team/d:1"
    ways = ("--output", "image.tar", "--oci", "layout", "--push", name)
    expected = print_id(locked, *ways)

    def config_digest(image: str) -> str:
        inspect = ["skopeo", "inspect", "--raw", "--tls-verify=false", image]
        done = subprocess.run(inspect, capture_output=True, check=True)
        return str(json.loads(done.stdout)["config"]["digest"])

    places = ["docker-archive:image.tar", "oci:layout:latest", f"docker://{name}"]
    assert [config_digest(place) for place in places] == [expected] * 3


def test_outside_judges_accept_the_layout(locked: Callable[..., Done], tmp_path: Path) -> None:
    if not shutil.which("umoci") or not shutil.which("skopeo"):
        pytest.skip("needs umoci and skopeo")
    locked("build-local", "d", "--base", "base.tar", "--oci", "layout", "--tag", "d:v1")
    inspect = ["skopeo", "inspect", "oci:layout:v1"]
    unpack = ["umoci", "unpack", "--rootless", "--image", "layout:v1", "bundle"]

    subprocess.run(inspect, check=True, capture_output=True)
    subprocess.run(unpack, check=True, capture_output=True)
    assert (tmp_path / "bundle/rootfs/azureml-envs/d/conda-meta/history").is_file()


def test_a_second_run_says_that_nothing_changed(locked: Callable[..., Done], registry: str) -> None:
    arguments = ["build-local", "d", "--base", "base.tar", "--output", "image.tar"]
    arguments += ["--oci", "layout", "--push", f"{registry}/d:1"]
    locked(*arguments)
    done = locked(*arguments)
    said = [line for line in done.stderr.splitlines() if line.startswith("`")]

    assert said == [
        "`image.tar`: nothing to do, the image is there",
        "`layout`: nothing to do, the image is there",
        f"`{registry}/d:1`: nothing to do, the image is there",
    ]


def test_a_change_to_one_package_ships_one_layer(
    locked: Callable[..., Done], define: Callable[..., Path], registry: str
) -> None:
    arguments = ["build-local", "d", "--base", "base.tar", "--push", f"{registry}/d:1"]
    assert locked(*arguments).status == 0
    define("python", "six=1.16", pip=("idna==3.10",), environmentVariables={"GREETING": "hello"})
    assert locked("lock", "d").status == 0
    done = locked(*arguments)

    said = next(line for line in done.stderr.splitlines() if line.startswith(f"`{registry}"))
    assert said.startswith(f"`{registry}/d:1`: 1 new layer (")
    assert said.endswith("5 reused")
    image, run = done.stderr.splitlines()[-2:]
    assert image.startswith(f"Image `{registry}/d:1`: `sha256:")
    assert run == f"Run it with `docker run {registry}/d:1`"


def test_a_layout_keeps_its_other_images_and_no_blob_of_none(
    locked: Callable[..., Done], define: Callable[..., Path], tmp_path: Path
) -> None:
    base = ["--base", "base.tar", "--oci", "layout"]
    locked("build-local", "d", *base, "--tag", "d:one")
    locked("build-local", "d", *base, "--tag", "d:two")
    before = sorted((tmp_path / "layout/blobs/sha256").iterdir())
    define("python", "six=1.16")
    locked("lock", "d")
    locked("build-local", "d", *base, "--tag", "d:one")
    locked("build-local", "d", *base, "--tag", "d:two")
    after = sorted((tmp_path / "layout/blobs/sha256").iterdir())
    index = json.loads((tmp_path / "layout/index.json").read_text())

    names = [it["annotations"]["org.opencontainers.image.ref.name"] for it in index["manifests"]]
    assert names == ["one", "two"]
    assert len(before) == 2 + 6  # the manifest, the config, and the layers
    assert len(after) == 2 + 4  # pip and what it installed are gone


def test_a_layout_has_the_image_under_each_of_its_tags(
    locked: Callable[..., Done], tmp_path: Path
) -> None:
    options = ("build-local", "d", "--base", "base.tar", "--oci", "layout")
    locked(*options, "--tag", "d:one")
    added = locked(*options, "--tag", "team/d:one", "--tag", "d:two")
    again = locked(*options, "--tag", "d:two", "--tag", "d:one")
    index = json.loads((tmp_path / "layout/index.json").read_text())
    upon = locked("build-local", "d", "--name", "e", "--base", "layout", "--print-id")

    assert added.stderr.splitlines()[-3].startswith("`layout`: 0 new layers, ")
    assert "`layout`: nothing to do, the image is there\n" in again.stderr
    assert again.stderr.splitlines()[-1] == (
        "Run it with `skopeo copy oci:layout:two docker-daemon:d:two` and `docker run d:two`"
    )
    names = [it["annotations"]["org.opencontainers.image.ref.name"] for it in index["manifests"]]
    assert sorted(names) == ["one", "two"]
    assert upon.status == 0, upon.stderr


def test_a_user_managed_definition_is_its_base_image_with_its_variables(
    envsync: Callable[..., Done], define: Callable[..., Path], tmp_path: Path
) -> None:
    write_base(tmp_path / "base.tar", glibc=None)
    define("python", python={"userManagedDependencies": True}, environmentVariables={"A": "b"})
    done = envsync("build-local", "d", "--base", "base.tar", "--oci", "layout")
    manifest, config = read_layout(tmp_path / "layout")

    assert done.status == 0
    assert len(manifest["layers"]) == 1  # type: ignore[arg-type]
    assert config["config"]["Env"] == [  # type: ignore[index]
        "PATH=/usr/bin:/bin",
        "AZUREML_ENVIRONMENT_IMAGE=True",
        "A=b",
    ]


def test_a_lockfile_alone_is_enough(locked: Callable[..., Done]) -> None:
    arguments = ["--base", "base.tar", "--print-id", "--name", "d"]
    done = locked("build-local", "d/conda-lock.yml", *arguments)

    assert (done.status, done.stdout[:7]) == (0, "sha256:")


def test_what_a_definition_asks_of_docker_run_is_told(
    envsync: Callable[..., Done], define: Callable[..., Path], tmp_path: Path
) -> None:
    write_base(tmp_path / "base.tar")
    docker = {"shmSize": "4g", "arguments": ["--gpus", "all"]}
    define("python", python={"userManagedDependencies": True}, docker=docker)
    done = envsync("build-local", "d", "--base", "base.tar", "--output", "x.tar")

    assert done.stderr.splitlines()[-1] == (
        "Run it with `docker load -i x.tar` and `docker run --shm-size 4g --gpus all d:latest`"
    )


def test_nothing_to_build_upon_is_refused_where_python_could_not_start(
    locked: Callable[..., Done],
) -> None:
    done = locked("build-local", "d", "--base", "scratch", "--oci", "layout")

    assert done.status == 1
    assert "Error: `scratch` has no `/lib" in done.stderr
    assert "which `/azureml-envs/d/bin/python3" in done.stderr
