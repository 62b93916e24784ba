from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from support.images.base_archive import ARCHITECTURE, write_base, write_changed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Done

    from envsync.adapters.docker_engine import DockerEngine

pytestmark = pytest.mark.e2e

SITE = "lib/python3.11/site-packages"
IMAGE_SITE = f"azureml-envs/d/{SITE}"
_PLATFORM = f"linux/{ARCHITECTURE}"


@pytest.fixture
def built(locked: Callable[..., Done]) -> Callable[..., Done]:
    """Return `envsync` where the definition `d` has an environment."""
    assert locked("build-local", "d").status == 0
    return locked


@pytest.fixture
def imaged(locked: Callable[..., Done]) -> Callable[..., Done]:
    """Return `envsync` where the definition `d` has an image, `image.tar` and `layout`."""
    places = ("--output", "image.tar", "--oci", "layout")
    assert locked("build-local", "d", "--base", "base.tar", *places).status == 0
    return locked


@pytest.fixture
def prefix(private_home: Path) -> Path:
    return private_home / ".envsync" / "envs" / "d"


def _replace(path: Path, content: bytes) -> None:
    """Write a new file: the old one may be a hard link into a cache that tests share."""
    found = path.stat()
    path.unlink()
    path.write_bytes(content)
    path.chmod(found.st_mode)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def test_an_environment_as_built_is_what_the_lock_says(
    built: Callable[..., Done], prefix: Path
) -> None:
    assert built("run", "d", "python", "-c", "import six, idna").status == 0

    assert built("verify", "d") == (
        0,
        "",
        f"Reading `{prefix}`\nEnvironment `{prefix}` has the 4 packages of the lock\n",
    )


def test_each_file_that_is_not_right_is_named(built: Callable[..., Done], prefix: Path) -> None:
    core, six = prefix / SITE / "idna/core.py", prefix / SITE / "six.py"
    content = core.read_bytes()
    _replace(core, content[:-2] + b"#\n")  # of the same size and time
    six.unlink()
    (prefix / SITE / "sitecustomize.py").write_text("")
    (prefix / "bin/python3").unlink()
    (prefix / "bin/python3").symlink_to("/usr/bin/true")
    done = built("verify", "d")

    assert done.status == 1
    assert done.stdout.splitlines() == [
        f"changed {prefix}/bin/python3 (conda python 3.11.7 0_cpython)",
        f"changed {prefix}/{SITE}/idna/core.py (pip idna 3.10)",
        f"missing {prefix}/{SITE}/six.py (conda six 1.17.0 pyh0_0)",
        f"added {prefix}/{SITE}/sitecustomize.py",
    ]
    assert done.stderr.splitlines()[-2:] == [
        f"Error: Environment `{prefix}` is not what the lock says: 4 files differ",
        "Hint: make it anew with `envsync build-local d --reinstall`",
    ]
    assert len(content) == core.stat().st_size


def test_packages_that_came_or_went_are_named_and_not_their_files(
    built: Callable[..., Done], prefix: Path
) -> None:
    info = prefix / SITE / "My_Tool-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: My.Tool\nVersion: 1.0\n")
    (info / "RECORD").write_text(
        "my_tool.py,,\nMy_Tool-1.0.dist-info/METADATA,,\nMy_Tool-1.0.dist-info/RECORD,,\n"
    )
    (prefix / SITE / "my_tool.py").write_text("")
    for path in (prefix / SITE).glob("idna*"):
        path.rename(prefix.parent / path.name)
    whole = built("verify", "d", "--json")
    listed = built("verify", "d")

    assert listed.stdout.splitlines() == ["missing idna 3.10 (pip)", "added my-tool 1.0 (pip)"]
    assert listed.stderr.splitlines()[-2].endswith(": 2 packages differ")
    told = json.loads(whole.stdout)
    assert [(it["kind"], it["name"]) for it in told["packages"]] == [
        ("removed", "idna"),
        ("added", "my-tool"),
    ]
    assert told["files"] == []


def test_a_record_that_was_made_to_fit_is_noticed(built: Callable[..., Done], prefix: Path) -> None:
    record = next((prefix / "conda-meta").glob("six-*.json"))
    facts = json.loads(record.read_bytes())
    paths = facts["paths_data"]["paths"]
    facts["paths_data"]["paths"] = [it for it in paths if not it["_path"].endswith("/six.py")]
    facts["files"] = [it for it in facts["files"] if not it.endswith("/six.py")]
    record.write_text(json.dumps(facts))
    done = built("verify", "d")

    assert done.status == 1
    assert f"changed {record}\n" in done.stdout


def test_an_environment_that_lost_its_receipt_is_not_trusted(
    built: Callable[..., Done], prefix: Path
) -> None:
    receipt = prefix / "conda-meta" / "envsync" / "receipt.json"
    receipt.write_text("{}")
    damaged = built("verify", "d")
    receipt.unlink()

    assert damaged.stdout == f"changed {receipt}\n"
    assert built("verify", "d").stdout == f"missing {receipt}\n"


def test_variables_that_somebody_set_are_told(
    built: Callable[..., Done], prefix: Path, tmp_path: Path
) -> None:
    state = prefix / "conda-meta" / "state"
    state.write_text(json.dumps({"version": 1, "env_vars": {"GREETING": "bye"}}))

    assert built("verify", "d").stdout == f"changed {state}\n"
    assert built("verify", str(tmp_path / "d" / "conda-lock.yml")).status == 0


def test_reinstalling_mends_what_was_edited_even_in_the_caches(
    built: Callable[..., Done],
    prefix: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "rattler"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    assert built("build-local", "d", "--reinstall").status == 0
    for name in ("six.py", "idna/core.py"):
        path = prefix / SITE / name
        found = path.stat()
        with path.open("r+b") as stream:  # in place, and so wherever it is linked to
            stream.write(b"\n")
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    edited = built("verify", "d")
    mended = built("build-local", "d", "--reinstall")

    assert (edited.status, mended.status) == (1, 0)
    assert edited.stdout.count("changed ") == 2
    assert built("verify", "d").status == 0


def test_what_can_not_be_verified_is_one_error(
    locked: Callable[..., Done], define: Callable[..., Path], prefix: Path
) -> None:
    nowhere = locked("verify", "d")
    elsewhere = locked("verify", "d", "--prefix", "gone")
    both = locked("verify", "d", "--name", "x", "--prefix", "y")
    no_image = locked("verify", "d", "--image", "base.tar")
    no_file = locked("verify", "d", "--image", "./nope.tar")
    no_name = locked("verify", "d", "--image", "")
    define("python", "six=1.16")
    stale = locked("verify", "d")

    assert (nowhere.status, both.status, no_image.status, stale.status) == (1, 2, 1, 1)
    assert nowhere.stderr == (
        f"Error: No environment is at `{prefix}`\nHint: run `envsync build-local d`\n"
    )
    assert elsewhere.stderr.endswith("/gone`\n")
    assert no_image.stderr.endswith("Error: Image `base.tar` has no conda environment\n")
    assert "Error: Cannot read `nope.tar`: No such file or directory\n" in no_file.stderr
    assert no_name.stderr.endswith("Error: An image has no name\nHint: give a name, or a path\n")
    assert "is stale" in stale.stderr


def test_an_image_as_built_is_what_the_lock_says(imaged: Callable[..., Done]) -> None:
    archive = imaged("verify", "d", "--image", "image.tar")
    layout = imaged("verify", "d", "--image", "layout")

    assert (archive.status, layout.status) == (0, 0)
    assert archive.stdout == ""
    assert archive.stderr.splitlines()[-1] == "Image `image.tar` has the 4 packages of the lock"


def test_an_image_of_another_lock_is_told_apart_by_its_packages(
    imaged: Callable[..., Done], define: Callable[..., Path]
) -> None:
    define("python", "six=1.16", pip=("idna==3.10",), environmentVariables={"GREETING": "hello"})
    assert imaged("lock", "d").status == 0
    done = imaged("verify", "d", "--image", "image.tar")

    assert done.status == 1
    assert done.stdout == "up six 1.16.0 → 1.17.0 (conda)\n"
    assert done.stderr.splitlines()[-2:] == [
        "Error: Image `image.tar` is not what the lock says: 1 package differs",
        "Hint: make it anew with `envsync build-local d --docker`",
    ]


@pytest.mark.parametrize("keeps_labels", [True, False])
def test_what_a_later_layer_did_to_an_image_is_told_whoever_made_it(
    imaged: Callable[..., Done], tmp_path: Path, *, keeps_labels: bool
) -> None:
    changes = {
        f"{IMAGE_SITE}/.wh.six.py": b"",
        f"{IMAGE_SITE}/idna/core.py": b"edited",
        f"{IMAGE_SITE}/tool-1.0.dist-info/METADATA": b"Name: tool\nVersion: 1.0\n",
        f"{IMAGE_SITE}/tool-1.0.dist-info/RECORD": b"tool-1.0.dist-info/METADATA,,\n"
        b"tool-1.0.dist-info/RECORD,,\n",
        f"{IMAGE_SITE}/__pycache__/six.cpython-311.pyc": b"compiled",
        "azureml-envs/d/stray": b"",
        "elsewhere": b"",
    }
    changed = tmp_path / "changed.tar"
    write_changed(tmp_path / "image.tar", changed, changes, keeps_labels=keeps_labels)
    done = imaged("verify", "d", "--image", "changed.tar")

    assert done.status == 1
    assert done.stdout.splitlines() == [
        "added tool 1.0 (pip)",
        f"changed /{IMAGE_SITE}/idna/core.py (pip idna 3.10)",
        f"missing /{IMAGE_SITE}/six.py (conda six 1.17.0 pyh0_0)",
        "added /azureml-envs/d/stray",
    ]


def test_an_environment_that_lies_elsewhere_in_an_image_can_be_named(
    imaged: Callable[..., Done],
) -> None:
    renamed = imaged("build-local", "d", "--name", "e", "--base", "image.tar", "--output", "e.tar")
    assert renamed.status == 0
    both = [imaged("verify", "d", "--image", "e.tar", *more) for more in ((), ("--name", "e"))]
    named = imaged("verify", "d", "--image", "e.tar", "--prefix", "/azureml-envs/e")
    wrong = imaged("verify", "d", "--image", "e.tar", "--prefix", "/opt/conda")

    assert [it.status for it in (*both, named)] == [0, 0, 0]
    assert wrong.stderr.splitlines()[-2:] == [
        "Error: Image `e.tar` has no conda environment at `/opt/conda`",
        "Hint: it has `/azureml-envs/d`, `/azureml-envs/e`",
    ]


def test_packages_of_images_can_be_compared_with_whatever_has_some(
    imaged: Callable[..., Done], define: Callable[..., Path], prefix: Path
) -> None:
    define("python", "six=1.16", pip=("idna==3.10",))
    assert imaged("lock", "d").status == 0
    assert imaged("build-local", "d").status == 0
    older = "linux-64: up six 1.16.0 → 1.17.0\n"

    for after in ("image.tar", "layout", "oci:layout", "docker-archive:image.tar"):
        assert imaged("diff", "d", after).stdout == older
    assert imaged("diff", str(prefix), "layout").stdout == older
    assert imaged("diff", "layout", "image.tar").stdout == "Nothing differs\n"
    assert imaged("diff", "layout", str(prefix), "--exit-code").status == 1


def test_an_image_without_an_environment_has_nothing_to_compare(
    envsync: Callable[..., Done], tmp_path: Path
) -> None:
    write_base(tmp_path / "base.tar")

    assert envsync("diff", "base.tar", "base.tar").stderr == (
        "Error: Image `base.tar` has no conda environment\n"
    )


@pytest.mark.docker
def test_what_a_dockerfile_did_to_an_image_is_told(
    locked: Callable[..., Done], docker_engine: DockerEngine, base_image: str, tmp_path: Path
) -> None:
    tag = f"envsync-test/{tmp_path.name.replace('_', '-')[-40:].strip('-')}:1"
    assert locked("build-local", "d", "--docker", "--tag", tag, "--base", base_image).status == 0
    edit = f"cd /{IMAGE_SITE} && rm six.py && echo '#' >> idna/core.py && python -c 'import idna'"
    expected = [
        f"changed /{IMAGE_SITE}/idna/core.py (pip idna 3.10)",
        f"missing /{IMAGE_SITE}/six.py (conda six 1.17.0 pyh0_0)",
    ]
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(f"FROM {tag}\nRUN {edit}\n")
    edited = docker_engine.build(context, dockerfile="Dockerfile", platform=_PLATFORM)
    try:
        done = locked("verify", "d", "--image", edited)
        assert (done.status, done.stdout.splitlines()) == (1, expected)
        assert locked("diff", "d", f"docker:{edited}").stdout == "Nothing differs\n"
    finally:
        docker_engine.remove(edited)
        docker_engine.remove(tag)
