from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.definitions import CONDA, DOCUMENT, document_with, write_definition
from support.prefixes import add_python, add_wheel
from support.servers.hostile import Reply, serve_hostile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Done

NAMES = ["azureml_environment.json", "conda_dependencies.yml"]


def list_names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_definition_is_written_to_a_new_directory(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    write_definition(tmp_path / "source")

    done = envsync("save-to-directory", "source", "a/b")

    assert done == (0, "Saved `a/b`\n", "")
    assert list_names(tmp_path / "a/b") == NAMES
    for name in NAMES:
        assert (tmp_path / "a/b" / name).read_bytes() == (tmp_path / "source" / name).read_bytes()


def test_directory_that_is_there_is_left_alone(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    write_definition(tmp_path / "source")
    (tmp_path / "target").mkdir()
    (tmp_path / "target/score.py").touch()

    done = envsync("save-to-directory", "source", "target")

    assert (done.status, done.stdout) == (2, "")
    assert done.stderr == "Error: `target` is already there\nHint: add `--overwrite`\n"
    assert list_names(tmp_path / "target") == ["score.py"]


def test_overwriting_removes_what_would_override_and_nothing_else(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    document = document_with(python__userManagedDependencies=True)
    write_definition(tmp_path / "source", document, conda=None)
    target = write_definition(tmp_path / "target", conda=CONDA, dockerfile="FROM old\n")
    (target / "score.py").write_text("")

    done = envsync("save-to-directory", "source", "target", "--overwrite")

    assert (done.status, done.stderr) == (0, "")
    assert list_names(target) == ["azureml_environment.json", "score.py"]


def test_every_finding_of_a_wrong_source_is_printed_and_nothing_written(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    document = document_with(name=5, docker__enabled="false")
    write_definition(tmp_path / "source", document, conda=CONDA + "  - scikit-learn=>1.4\n")

    done = envsync("save-to-directory", "source", "target")

    assert (done.status, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: `source/azureml_environment.json`:2: name: a number where text should be\n"
        "Hint: put it in quotes\n"
        "Error: `source/azureml_environment.json`:14: docker.enabled: "
        "text where `true` or `false` should be\n"
        "Hint: write `false` without quotes\n"
        "Error: `source/conda_dependencies.yml`:8: dependencies[1].pip[1]: "
        "`scikit-learn=>1.4` is not a pip requirement\n"
        "Hint: did you mean `scikit-learn>=1.4`?\n"
    )
    assert not (tmp_path / "target").exists()


def test_warnings_of_the_source_are_printed_to_stderr(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    write_definition(tmp_path / "source", DOCUMENT | {"nmae": "typo"})

    done = envsync("save-to-directory", "source", "target")

    assert (done.status, done.stdout) == (0, "Saved `target`\n")
    assert done.stderr == (
        "Warning: `source/azureml_environment.json`:47: nmae: "
        "Azure ML does not know this key; it is kept, not used\n"
        "Hint: did you mean `name`?\n"
    )


@pytest.mark.parametrize("source", ["nowhere", ".", "some.txt"])
def test_source_that_is_no_definition_is_refused(
    tmp_path: Path, envsync: Callable[..., Done], source: str
) -> None:
    (tmp_path / "some.txt").write_text("")

    done = envsync("save-to-directory", source, "target")

    assert (done.status, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert f"`{source}`" in done.stderr.splitlines()[0]
    assert list_names(tmp_path) == ["some.txt"]


CONDA_FILE = "name: churn\nchannels: [conda-forge]\ndependencies: [python=3.10]\n"
DEFAULT_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1"


def read_document(directory: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((directory / "azureml_environment.json").read_text())
    return document


def test_conda_file_becomes_a_directory_with_the_image_of_the_sdk(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    (tmp_path / "env-prod.yml").write_text(CONDA_FILE)

    done = envsync("save-to-directory", "env-prod.yml", "target")

    assert done == (
        0,
        "Saved `target`\n",
        (
            f"Warning: `env-prod.yml`: image: no image is named, so `{DEFAULT_IMAGE}` is written\n"
            "Hint: choose another with `--image`\n"
        ),
    )
    document = read_document(tmp_path / "target")
    assert document["name"] == "churn"
    assert document["docker"]["baseImage"] == DEFAULT_IMAGE
    assert not document["python"]["userManagedDependencies"]
    assert (tmp_path / "target/conda_dependencies.yml").read_text() == CONDA_FILE


def test_image_can_be_named(tmp_path: Path, envsync: Callable[..., Done]) -> None:
    (tmp_path / "env.yml").write_text(CONDA_FILE)

    done = envsync("save-to-directory", "env.yml", "target", "--image", "acme.io/a:1")

    assert done == (0, "Saved `target`\n", "")
    assert read_document(tmp_path / "target")["docker"]["baseImage"] == "acme.io/a:1"


def test_image_beside_a_dockerfile_is_refused(tmp_path: Path, envsync: Callable[..., Done]) -> None:
    document = document_with(docker__baseImage=None)
    write_definition(tmp_path / "source", document, dockerfile="FROM x\n")

    assert envsync("save-to-directory", "source", "target", "--image", "a") == (
        2,
        "",
        "Error: The definition builds its image, so none can be named\nHint: leave `--image` out\n",
    )


def test_prefix_becomes_a_directory(tmp_path: Path, envsync: Callable[..., Done]) -> None:
    add_python(tmp_path / "p")
    add_wheel(tmp_path / "p", "flask", "2.0")

    done = envsync("save-to-directory", "p", "target", "--from", "prefix", "--image", "a")

    assert done == (0, "Saved `target`\n", "")
    assert (tmp_path / "target/conda_dependencies.yml").read_text() == (
        "name: p\nchannels:\n- conda-forge\n"
        "dependencies:\n- python=3.11.7\n- pip:\n  - flask==2.0\n"
    )


@pytest.mark.e2e
@pytest.mark.usefixtures("channel")
def test_metadata_in_a_prefix_names_no_index_that_lock_asks(
    tmp_path: Path, envsync: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = Reply(200, [("Content-Type", "text/html")], b"<html></html>")
    with serve_hostile(lambda _: empty) as server:
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://{server.address}/own/")
        add_python(tmp_path / "p")
        add_wheel(tmp_path / "p", "flask", "2.0")
        evil = f"--extra-index-url=http://{server.address}/evil/?"
        add_wheel(tmp_path / "p", "a", METADATA=f"Name: {evil}\nVersion: 1\n")

        saved = envsync("save-to-directory", "p", "target", "--from", "prefix", "--image", "a")
        done = envsync("lock", "target")

        asked = {request.path.split("/")[1] for request in server.requests}

    assert saved.status == 0
    assert "`a-1.0.dist-info` has a name or a version that no index knows" in saved.stderr
    assert "evil" not in (tmp_path / "target/conda_dependencies.yml").read_text()
    assert done.status == 1  # for want of flask
    assert asked == {"own"}


def test_v2_build_context_is_kept_as_its_dockerfile(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    (tmp_path / "ctx").mkdir()
    (tmp_path / "ctx/Dockerfile").write_text("FROM x\r\nCOPY a b\r\n")
    (tmp_path / "v2.yml").write_text("name: a\ndescription: d\nbuild: {path: ctx}\n")

    done = envsync("save-to-directory", "v2.yml", "target")

    assert done == (
        0,
        "Saved `target`\n",
        (
            "Warning: `v2.yml`: build.path: `BaseDockerfile` holds its Dockerfile, "
            "nothing holds its other files\n"
            "Hint: check what the Dockerfile copies\n"
            "Warning: `v2.yml`: description: a v1 directory has no place for this\n"
        ),
    )
    assert (tmp_path / "target/BaseDockerfile").read_bytes() == b"FROM x\nCOPY a b\n"


def test_file_that_a_pip_section_names_is_not_copied_and_that_is_said(
    tmp_path: Path, envsync: Callable[..., Done]
) -> None:
    items = "- -r more.txt\n  - ./a.whl\n  - -e ../b\n  - --pre\n  - -f https://x.org\n  - /c.whl\n"
    conda = CONDA + f"  {items}  - flask --hash=sha256:0\n  - -c /d.txt\n"
    write_definition(tmp_path / "source", DOCUMENT, conda=conda)

    done = envsync("save-to-directory", "source", "target")

    assert [line for line in done.stderr.splitlines() if line.startswith("Warning")] == [
        f"Warning: `source/conda_dependencies.yml`: `{item}` starts at the definition's directory; "
        "what it names is not copied"
        for item in ("-r more.txt", "-e ../b", "./a.whl")
    ]
