from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.definitions import recorded

from envsync import definition as definitions
from envsync.errors import DefinitionError
from envsync.model.json_value import thaw

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.definition import Loaded

CONDA = "channels: [conda-forge]\ndependencies: [python=3.10, {pip: [flask==2.0]}]\n"
ROUTES = """\
inference_config:
  liveness_route: {port: 8501, path: /live}
  readiness_route: {port: 8501, path: /ready}
  scoring_route: {port: 8501, path: /score}
"""


def load_text(directory: Path, text: str, **files: str) -> Loaded:
    (directory / "env.yml").write_text(text, encoding="utf-8")
    for name, content in files.items():
        (directory / f"{name}.yml").write_text(content, encoding="utf-8")
    return definitions.load(directory / "env.yml", source_format="azureml-v2")


def errors_of(directory: Path, text: str) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        load_text(directory, text)
    place = f"`{directory / 'env.yml'}`"
    return [f.text.removeprefix(place) for f in caught.value.findings]


# None where the file loads; the SDK leaves some of these to the service, and follows two paths
# that lead out of the definition.
VERDICTS = {
    "v01_image_only": None,
    "v02_image_conda_path": None,
    "v03_image_conda_subdir": None,
    "v05_build_context": None,
    "v07_build_git_url": None,
    "v08_inference_config": None,
    "v09_os_windows": None,
    "v10_properties_datastore": ":4: properties: Azure ML refuses a definition with this key",
    "w01_image_and_build": "`image` and `build` exclude each other",
    "w02_neither": "`image` or `build` is missing",
    "w03_conda_without_image": "conda_file: conda dependencies need an `image`",
    "w04_conda_missing_file": "nope.yml`: cannot be read: No such file or directory",
    "w05_no_name": "`name` is missing",
    "w06_conda_keys_at_top": "this is a conda environment file",
    "w07_unknown_key": ":4: baseImage: Azure ML refuses a definition with this key",
    "w08_v1_json_as_v2": "this is a definition of the Azure ML SDK v1",
    "w09_build_path_missing": ":4: build.path: `nope` is neither a folder here nor an address",
    "w11_inference_incomplete": "inference_config.liveness_route: the route is missing",
    "w12_bad_os": ":4: os_type: `osx` is not `linux` or `windows`",
    "w14_conda_file_abs_path": "`/etc/hostname` lies outside the definition's directory",
    "w15_conda_traversal": "`../v02_image_conda_path/conda.yml` lies outside the definition's",
    "w16_conda_bad_yaml": "conda.yml`:2: not YAML",
    "w18_null_conda": ":4: conda_file: null where text should be",
    "w19_utf8_bom": None,
    "w20_name_number": ":1: name: `5` is not text",
}


@pytest.mark.parametrize("case", recorded("azureml-v2"))
def test_recorded_file_is_read_as_the_sdk_reads_it_or_refused_with_the_reason(case: Path) -> None:
    expected = VERDICTS[case.name]
    if expected is not None:
        with pytest.raises(DefinitionError) as caught:
            definitions.load(case, source_format="azureml-v2")
        assert any(expected in finding.text for finding in caught.value.findings)
        return

    loaded = definitions.load(case).spec

    entity: dict[str, Any] = json.loads((case / "oracle.json").read_text("utf-8"))["entity"]
    kept = {} if loaded.azureml_v2 is None else thaw(loaded.azureml_v2)
    assert loaded.name == entity["name"]
    assert loaded.version == entity["version"]
    assert loaded.base_image == entity["image"]
    assert kept.get("description") == entity["description"]
    assert kept.get("tags", {}) == entity["tags"]
    assert (loaded.platform.os == "Windows") == (entity["os_type"] == "windows")
    assert read_build(loaded) == entity["build"]
    assert read_conda(loaded) == entity["conda_file"]


def read_build(loaded: Any) -> dict[str, str | None] | None:
    context = loaded.build_context
    if context is None:
        return None
    return {"path": context.location, "dockerfile_path": context.dockerfile_path}


def read_conda(loaded: Any) -> dict[str, Any] | None:
    conda = loaded.conda
    if conda is None:
        return None
    pip = {"pip": [*conda.pip_options, *conda.pip_requirements]}
    return {
        "name": conda.name,
        "channels": list(conda.channels),
        "dependencies": [*conda.match_specs, pip],
    }


def test_conda_dependencies_may_stand_inline(tmp_path: Path) -> None:
    inline = "".join(f"  {line}\n" for line in CONDA.splitlines())

    loaded = load_text(tmp_path, f"name: a\nimage: b\nconda_file:\n{inline}").spec

    assert loaded.conda is not None
    assert loaded.conda.match_specs == ("python=3.10",)
    assert loaded.conda.pip_requirements == ("flask==2.0",)
    assert loaded.files == (tmp_path / "env.yml",)
    assert not loaded.python.user_managed_dependencies


def test_conda_file_is_the_last_file_of_the_definition(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "name: a\nimage: b\nconda_file: c.yml\n", c=CONDA).spec

    assert [path.name for path in loaded.files] == ["env.yml", "c.yml"]


def test_image_without_conda_is_user_managed(tmp_path: Path) -> None:
    assert load_text(tmp_path, "name: a\nimage: b\n").spec.python.user_managed_dependencies


def test_version_stays_what_its_author_wrote_and_the_sdks_reading_is_said(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "name: a\nversion: 1.10\nimage: b\n")

    assert loaded.spec.version == "1.10"
    assert [(f.line, f.message, f.hint) for f in loaded.warnings] == [
        (2, "Azure ML reads `1.10` as `1.1`; envsync does not", "put it in quotes")
    ]


def test_what_the_service_fills_in_is_ignored_with_a_warning(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "name: a\nimage: b\nid: x\nlatest_version: 4\n")

    assert [f.key_path for f in loaded.warnings] == ["id", "latest_version"]


def test_what_only_v2_has_is_kept(tmp_path: Path) -> None:
    text = "name: a\nimage: b\ndescription: d\ntags: {team: ds, size: 1.10}\n" + ROUTES

    kept = load_text(tmp_path, text).spec.azureml_v2

    plain = thaw(kept)
    assert list(plain) == ["description", "tags", "inference_config"]
    assert plain["tags"] == {"team": "ds", "size": "1.10"}
    assert plain["inference_config"]["scoring_route"] == {"port": 8501, "path": "/score"}


@pytest.mark.parametrize(
    ("build", "kind"),
    [
        ("https://github.com/acme/images.git#main:train", "git"),
        ("https://acme.blob.core.windows.net/c/context", "storageAccount"),
    ],
)
def test_build_context_may_be_an_address(tmp_path: Path, build: str, kind: str) -> None:
    loaded = load_text(tmp_path, f"name: a\nbuild: {{path: '{build}', dockerfile_path: D}}\n").spec

    assert loaded.build_context is not None
    assert (loaded.build_context.location_type, loaded.build_context.location) == (kind, build)
    assert loaded.build_context.dockerfile_path == "D"
    assert not loaded.python.user_managed_dependencies


def test_folder_of_a_build_context_needs_its_dockerfile(tmp_path: Path) -> None:
    (tmp_path / "ctx").mkdir()

    assert errors_of(tmp_path, "name: a\nbuild: {path: ctx}\n") == [
        ":2: build: `ctx` has no `Dockerfile`"
    ]


def test_folder_of_a_build_context_outside_is_not_looked_into(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "name: a\nbuild: {path: ../elsewhere}\n")

    assert [f.message for f in loaded.warnings] == [
        "`../elsewhere` lies outside the definition's directory; it is not read"
    ]


def test_folder_of_a_build_context_that_no_path_can_be_is_refused(tmp_path: Path) -> None:
    name = "x" * 5000

    assert errors_of(tmp_path, f"name: a\nbuild: {{path: {name}}}\n")[0].endswith(
        "cannot be a folder"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a\n", [":1: a mapping with `name` and `image` should be here"]),
        ("name:\nimage: b\n", [":1: name: null where text should be"]),
        ("name: [a]\nimage: b\n", [":1: name: a list or mapping where text should be"]),
        ("name: ' '\nimage: b\n", [":1: name: there is nothing under this key"]),
        ("name: a\nimage: b\nversion:\n", [":3: version: no version where one should be"]),
        ("name: a\nimage: b\ntags: x\n", [":3: tags: a mapping should be here"]),
        ("name: a\nbuild: ctx\n", [":2: build: a mapping should be here"]),
        ("name: a\nbuild: {dockerfile_path: D}\n", [": build: `path` is missing"]),
        (
            "name: a\nbuild: {path: 'https://x/y', dockerfil: D}\n",
            [":2: build.dockerfil: Azure ML refuses a definition with this key"],
        ),
        (
            "name: a\nbuild: {path: 'https://x/y'}\nconda_file: c.yml\n",
            [
                ": conda_file: conda dependencies need an `image`",
            ],
        ),
        (
            "name: a\nimage: b\nconda_file: {dependencies: [{npm: [x]}]}\n",
            [":3: conda_file.dependencies[0].npm: no installer for this section is known"],
        ),
        (
            "name: a\nimage: b\ninference_config: 1\n",
            [":3: inference_config: a mapping should be here"],
        ),
        (
            "name: a\nimage: b\n" + ROUTES.replace("{port: 8501, path: /ready}", "x"),
            [":5: inference_config.readiness_route: a mapping should be here"],
        ),
        (
            "name: a\nimage: b\n" + ROUTES.replace("port: 8501, path: /ready", "port: x, path: /r"),
            [":5: inference_config.readiness_route: a port and a path should be here"],
        ),
    ],
)
def test_what_the_service_would_refuse_is_an_error(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    (tmp_path / "c.yml").write_text(CONDA)

    assert errors_of(tmp_path, text) == expected


@pytest.mark.parametrize(
    "name", ["azureml://datastores/x/paths/c.yml", "data:text/yaml;base64,eA=="]
)
def test_nothing_is_fetched_for_a_conda_file(tmp_path: Path, name: str) -> None:
    assert errors_of(tmp_path, f"name: a\nimage: b:1\nconda_file: {name}\n") == [
        f":3: conda_file: `{name}` is an address, from which nothing is fetched"
    ]
