"""What azureml-core itself wrote and broke, held against what envsync makes of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.definitions import SHARED, recorded

from envsync import definition as definitions
from envsync.definition.conda.dependencies import load_conda
from envsync.definition.directory import dump_files
from envsync.definition.reading.report import Report
from envsync.definition.reading.source_file import read_source
from envsync.errors import DefinitionError

if TYPE_CHECKING:
    from pathlib import Path

SAVED = ("azureml_environment.json", "conda_dependencies.yml", "BaseDockerfile")


def expected_files(case: Path) -> dict[str, bytes]:
    resaved = case / "resaved"
    source = resaved if resaved.is_dir() else case
    return {name: (source / name).read_bytes() for name in SAVED if (source / name).is_file()}


def read_oracle(case: Path) -> dict[str, Any]:
    oracle: dict[str, Any] = json.loads((case / "oracle.json").read_text(encoding="utf-8"))
    return oracle


@pytest.mark.parametrize("case", recorded("azureml-v1", "azureml-v1-old-sdks"))
def test_directory_loads_to_what_the_sdk_sees(case: Path) -> None:
    conda = definitions.load(case).spec.conda

    expected = read_oracle(case)["conda"]
    if expected is None:
        assert conda is None
    else:
        assert conda is not None
        assert list(conda.channels) == expected["channels"]
        assert list(conda.match_specs) == expected["conda_packages"]
        assert list(conda.pip_requirements) == expected["pip_packages"]
        assert list(conda.pip_options) == expected["pip_options"]


@pytest.mark.parametrize("case", recorded("azureml-v1"))
def test_directory_saves_to_the_bytes_of_the_sdk(case: Path) -> None:
    assert dump_files(definitions.load(case).spec) == expected_files(case)


@pytest.mark.parametrize("case", recorded("azureml-v1-old-sdks"))
def test_directory_of_an_old_sdk_saves_as_the_new_sdk_sees_it(case: Path) -> None:
    loaded = definitions.load(case)
    document = json.loads(dump_files(loaded.spec)["azureml_environment.json"])

    expected = read_oracle(case)["definition"]
    expected["python"].pop("condaDependencies", None)
    if loaded.spec.base_dockerfile:
        del expected["docker"]["baseDockerfile"]
    if "gpuSupport" in document["docker"]:  # the new SDK drops it
        del document["docker"]["gpuSupport"]
    assert document == expected
    assert loaded.warnings == ()


# What azureml-core loads and should not, or fails on and need not: azureml.md, section 16.
VERDICTS = {
    "b01_truncated_json": "azureml_environment.json`:15: not JSON: the file is cut off",
    "b02_empty_json_file": "azureml_environment.json`:1: not JSON: the file is empty",
    "b04_json_comments_trailing_comma": "`:3: not JSON: expecting property name",
    "b05_bool_as_string": "`:8: python.userManagedDependencies: text where `true` or `false`",
    "b07_name_number": "`:2: name: a number where text should be",
    "b08_name_missing": None,
    "b10_python_list": "`:7: python: a list where an object should be",
    "b11_docker_null": None,
    "b13_spark_packages_strings": "`:35: spark.packages[0]: text where an object should be",
    "b14_environment_variables_list": "`:4: environmentVariables: a list where an object",
    "b16_unknown_keys_json": None,
    "b17_snake_case_keys": None,
    "b19_duplicate_keys_json": "`:2: name: the key is there twice",
    "b20_env_reference": "this is a reference to an environment in a workspace",
    "b22_empty_object": "this is a reference to an environment in a workspace",
    "b23_build_context_bad_enum": "`Git` is not `git` or `storageAccount`",
    "b25_image_and_base_dockerfile_file": "`:15: docker.baseImage: this is there, and `BaseDocker",
    "b26_inline_base_dockerfile": None,
    "b28_inline_conda_only": None,
    "b29_missing_conda_file": "`conda_dependencies.yml` is missing",
    "b31_path_traversal_conda_file": None,
    "b32_absolute_conda_file": "`conda_dependencies.yml` is missing",
    "b34_base_dockerfile_is_a_path": None,
    "b35_utf8_bom": None,
    "b37_utf16_json": None,
    "b38_utf16_yaml": None,
    "b40_old_mac_cr": None,
    "b41_tabs_indent_yaml": "conda_dependencies.yml`:3: not YAML: a tab stands where",
    "b43_latin1_yaml": "conda_dependencies.yml`:1: the byte 0xE9 is not UTF-8",
    "b44_nul_byte_yaml": "conda_dependencies.yml`:6: the character U+0000 cannot be in YAML",
    "b46_yaml_anchor_benign": None,
    "b47_yaml_self_reference": "`:4: `*d` contains itself",
    "b49_yaml_unknown_key": "`:9: platforms: Azure ML refuses a file with this key",
    "b50_yaml_duplicate_key": "`:9: `dependencies` is there twice",
    "b52_yaml_empty": "nothing where a mapping with `dependencies` should be",
    "b53_yaml_two_documents": "`:9: a second YAML document starts here",
    "b55_yaml_deps_null": "`:4: dependencies: there is nothing under this key",
    "b56_yaml_deps_string": "`:2: dependencies: text where a list should be",
    "b58_yaml_pip_null": None,
    "b59_yaml_pip_string": "`:4: dependencies[1].pip: text where a list should be",
    "b61_yaml_python_absent": None,
    "b62_json_deep_nesting": "the nesting is deeper than 64 levels",
    "b64_databricks_cluster_and_init": None,
    "b65_databricks_cluster_invalid": "`:43: databricks.cluster: with `existingClusterId` no",
    "b67_yml_symlink_outside": "conda_dependencies.yml`",
    "b68_wrong_extension": None,
}


@pytest.mark.parametrize("case", recorded("azureml-v1-malformed"))
def test_malformed_directory_ends_in_a_verdict_that_says_why(case: Path) -> None:
    expected = VERDICTS[case.name]
    if expected is None:
        loaded = definitions.load(case)
        assert dump_files(loaded.spec)
    else:
        with pytest.raises(DefinitionError) as caught:
            definitions.load(case)
        assert any(expected in finding.text for finding in caught.value.findings)


def load_corpus(folder: str) -> dict[str, list[str]]:
    findings = {}
    for path in sorted((SHARED / "corpus" / folder).iterdir()):
        report = Report(path.name)
        load_conda(read_source(path, report), report)
        if report.errors:
            findings[path.name.split("-")[0]] = [finding.message for finding in report.errors]
    return findings


@pytest.mark.skipif(not (SHARED / "corpus").is_dir(), reason="no corpus here")
def test_of_the_real_conda_files_only_the_wrong_ones_are_refused() -> None:
    unknown = "Azure ML refuses a file with this key"
    assert load_corpus("conda_yml") == {
        "009": ["`transformers[sentencepiece]==4.6.0` has extras, which conda does not know"],
        "205": [unknown, unknown, "`-r requirements.txt` is an option of pip"],
        "220": [unknown],
        "221": [unknown],
    }


@pytest.mark.skipif(not (SHARED / "corpus").is_dir(), reason="no corpus here")
def test_each_broken_real_conda_file_is_refused_with_one_reason() -> None:
    findings = load_corpus("conda_yml_malformed")

    assert len(findings) == len(list((SHARED / "corpus/conda_yml_malformed").iterdir()))
    assert all(len(messages) == 1 for messages in findings.values())


@pytest.mark.skipif(not (SHARED / "corpus").is_dir(), reason="no corpus here")
def test_every_real_v1_directory_loads() -> None:
    directories = sorted((SHARED / "corpus/azureml_env").iterdir())

    loaded = [definitions.load(directory) for directory in directories]

    without_conda = [one.spec for one in loaded if one.spec.conda is None]
    assert [one.python.user_managed_dependencies for one in without_conda] == [True]
