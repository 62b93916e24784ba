from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support.prefixes import CHANNEL, SITE, add_history, add_python, add_record, add_wheel

from envsync import definition as definitions
from envsync.definition.conda.prefix import load_prefix
from envsync.errors import DefinitionError
from envsync.model.environment import OciPlatform

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.model.environment import CondaSpec


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Return a prefix with a Python, numpy that was asked for, and what that needs."""
    path = tmp_path / "envs" / "churn"
    add_python(path)
    add_record(path, "numpy", "2.3.5", depends=["python >=3.9", "libblas >=3.9,<4.0a0"])
    add_record(path, "libblas", "3.9.0")
    return path


def conda_of(prefix: Path) -> CondaSpec:
    conda = definitions.load(prefix).spec.conda
    assert conda is not None
    return conda


def test_prefix_is_called_as_its_folder(prefix: Path) -> None:
    loaded = definitions.load(prefix).spec

    assert loaded.name == "churn"
    assert loaded.directory == prefix
    assert loaded.files == ()
    assert loaded.platform == OciPlatform()


def test_without_a_request_the_packages_that_none_needs_and_python_count(prefix: Path) -> None:
    assert conda_of(prefix).match_specs == ("python=3.11.7", "numpy=2.3.5")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("numpy", "numpy=2.3.5"),
        ("numpy=2", "numpy=2"),
        ("numpy 2.3.*", "numpy=2.3"),
        ("numpy 2.3*", "numpy=2.3"),
        ("numpy 2.3.5", "numpy==2.3.5"),
        ("numpy >=2,<3", "numpy>=2,<3"),
        ("numpy[version='>=2, <3']", "numpy>=2,<3"),
        ("numpy=2.3.5=py311_0", "numpy=2.3.5"),
        ("conda-forge::numpy", "conda-forge::numpy=2.3.5"),
        ("conda-forge/linux-64::numpy==2.3.5", "conda-forge::numpy==2.3.5"),
        ("elsewhere::numpy", "numpy=2.3.5"),
        ("numpy[version='1;x']", "numpy=2.3.5"),
        ("numpy[version='>1 [md5=x']", "numpy=2.3.5"),
    ],
)
@pytest.mark.parametrize("key", ["history", "requested_spec", "requested_specs"])
def test_what_was_asked_for_is_written_as_azure_ml_reads_it(
    prefix: Path, asked: str, expected: str, key: str
) -> None:
    if key == "history":
        add_history(prefix, f'# update specs: ["{asked}"]')
    else:
        value = asked if key == "requested_spec" else ["numpy", asked]
        add_record(prefix, "numpy", "2.3.5", **{key: value})

    assert conda_of(prefix).match_specs == ("python=3.11.7", expected)


def test_history_is_the_last_word(prefix: Path) -> None:
    add_record(prefix, "numpy", "2.3.5", requested_spec="numpy=2")
    add_history(prefix, "# update specs: ['numpy=2.3']")

    loaded = definitions.load(prefix).spec

    assert loaded.conda is not None
    assert loaded.conda.match_specs[1] == "numpy=2.3"
    assert [path.name for path in loaded.files] == ["history"]


def test_prefix_from_a_list_of_archives_counts_as_not_asked_for(prefix: Path) -> None:
    for name, version in (("python", "3.11.7"), ("numpy", "2.3.5"), ("libblas", "3.9.0")):
        depends = ["libblas"] if name == "numpy" else []
        asked = f"conda-forge/linux-64::{name}=={version}=0"
        add_record(prefix, name, version, requested_spec=asked, depends=depends)

    assert conda_of(prefix).match_specs == ("python=3.11.7", "numpy=2.3.5")


def test_pip_packages_are_pinned_and_conda_s_own_are_not_listed_twice(prefix: Path) -> None:
    add_record(prefix, "joblib", "1.5", files=[f"{SITE}/joblib-1.5.dist-info/METADATA"])
    add_wheel(prefix, "joblib", "1.5")
    add_wheel(prefix, "Flask", "2.0.3")
    add_wheel(prefix, "click", "8.1.8", INSTALLER="conda")

    conda = conda_of(prefix)

    assert conda.match_specs == ("python=3.11.7", "joblib=1.5", "numpy=2.3.5")
    assert conda.pip_requirements == ("Flask==2.0.3",)
    assert conda.has_pip_section


def test_what_pip_put_over_conda_s_package_is_pip_s(prefix: Path) -> None:
    add_wheel(prefix, "numpy", "1.26.4")

    loaded = definitions.load(prefix)

    assert loaded.spec.conda is not None
    assert loaded.spec.conda.match_specs == ("python=3.11.7",)
    assert loaded.spec.conda.pip_requirements == ("numpy==1.26.4",)
    assert [f.message for f in loaded.warnings] == [
        "pip put `numpy` over conda's; it is taken as pip's"
    ]


def test_pip_that_updated_itself_is_no_requirement(prefix: Path) -> None:
    add_record(prefix, "pip", "24.0", noarch="python", subdir="noarch")
    add_wheel(prefix, "pip", "26.3")

    conda = conda_of(prefix)

    assert conda.match_specs == ("python=3.11.7", "numpy=2.3.5", "pip=24.0")
    assert not conda.has_pip_section


def test_variables_are_those_that_activation_sets(prefix: Path) -> None:
    state = {"env_vars": {"A": "1", "GONE": "***unset***", "N": 5}, "version": 1}
    (prefix / "conda-meta/state").write_text(json.dumps(state))

    assert conda_of(prefix).variables == (("A", "1"), ("N", "5"))


@pytest.mark.parametrize("text", ["[]", "{}", '{"env_vars": []}'])
def test_state_without_variables_has_none(prefix: Path, text: str) -> None:
    (prefix / "conda-meta/state").write_text(text)

    assert conda_of(prefix).variables == ()


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        ([CHANNEL], ("conda-forge",)),
        (["https://conda.anaconda.org/conda-forge/linux-64"], ("conda-forge",)),
        (["conda-forge"], ("conda-forge",)),
        (["https://repo.anaconda.com/pkgs/main/linux-64", "pkgs/r", "defaults"], ("defaults",)),
        (["https://repo.anaconda.com/pkgs/main"] * 2 + ["bioconda"], ("bioconda", "defaults")),
        (["a", "b", "b"], ("b", "a")),
        (["https://mirror.example.org/forge/noarch"], ("https://mirror.example.org/forge",)),
        ([""], ()),
    ],
)
def test_channels_are_those_of_the_records(
    tmp_path: Path, channels: list[str], expected: tuple[str, ...]
) -> None:
    for number, channel in enumerate(channels):
        add_record(tmp_path, f"p{number}", channel=channel)

    assert conda_of(tmp_path).channels == expected


def test_credentials_of_a_channel_are_left_out(tmp_path: Path) -> None:
    add_record(tmp_path, "a", channel="https://user:pw@conda.example.org/t/TOKEN/forge")

    loaded = definitions.load(tmp_path)

    assert loaded.spec.conda is not None
    assert loaded.spec.conda.channels == ("https://conda.example.org/forge",)
    assert [(f.key_path, f.message) for f in loaded.warnings] == [
        ("channels", "a channel's credentials are left out")
    ]


@pytest.mark.parametrize(
    "channel", ["https://evil.example/${TOKEN}", "a\nb", "--override-channels", "https://x.org/$A"]
)
def test_a_channel_that_is_none_becomes_none_of_a_definition(tmp_path: Path, channel: str) -> None:
    for name in ("a", "b"):
        add_record(tmp_path, name, channel=channel)

    loaded = definitions.load(tmp_path)

    assert loaded.spec.conda is not None
    assert loaded.spec.conda.channels == ()
    (warning,) = loaded.warnings
    assert warning.message.endswith(" is no channel; it is left out")


@pytest.mark.parametrize(
    ("subdirs", "platform"),
    [
        (["win-64", "noarch"], OciPlatform(os="Windows")),
        (["linux-aarch64"], OciPlatform(architecture="arm64")),
        (["osx-arm64"], OciPlatform()),
        (["noarch"], OciPlatform()),
        ([5], OciPlatform()),
    ],
)
def test_platform_is_that_of_the_packages(
    tmp_path: Path, subdirs: list[Any], platform: OciPlatform
) -> None:
    for number, subdir in enumerate(subdirs):
        add_record(tmp_path, f"p{number}", subdir=subdir)

    assert definitions.load(tmp_path).spec.platform == platform


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.json", "{", "a.json`: this is no record of a package"),
        ("a.json", "[" * 100_000, "a.json`: this is no record of a package"),
        ("a.json", '{"name": 5, "version": "1"}', "a.json`: this is no record of a package"),
        ("a.json", '{"name": "a", "version": ""}', "a.json`: this is no record of a package"),
        ("a.json", '{"name": "--x", "version": "1"}', "a.json`: this is no record of a package"),
        ("a.json", '{"name": "a b", "version": "1"}', "a.json`: this is no record of a package"),
        ("a.json", '{"name": "a::b", "version": "1"}', "a.json`: this is no record of a package"),
        ("a.json", '{"name": "a", "version": "1 x"}', "a.json`: this is no record of a package"),
        ("a.json", '{"name": "a", "version": "1[x]"}', "a.json`: this is no record of a package"),
        ("a.json", None, "a.json`: cannot be read: it is no file"),
        ("state", "{", "state` is not JSON"),
        ("state", None, "state`: cannot be read: it is no file"),
        ("history", None, "history`: cannot be read: it is no file"),
    ],
)
def test_broken_record_is_refused(
    prefix: Path, name: str, content: str | None, expected: str
) -> None:
    path = prefix / "conda-meta" / name
    if content is None:
        path.mkdir()
    else:
        path.write_text(content)

    with pytest.raises(DefinitionError) as caught:
        definitions.load(prefix)

    assert expected in caught.value.findings[0].text


def test_record_larger_than_any_is_not_read(prefix: Path) -> None:
    with (prefix / "conda-meta/a.json").open("wb") as stream:
        stream.truncate(1 << 30)

    with pytest.raises(DefinitionError, match="it is larger than a record can be"):
        definitions.load(prefix)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that opens and does not read")
def test_record_that_the_system_can_not_read_is_refused(prefix: Path) -> None:
    (prefix / "conda-meta/a.json").symlink_to("/proc/self/mem")

    with pytest.raises(DefinitionError, match=r"a\.json`: cannot be read: Input/output error"):
        definitions.load(prefix)


def test_folder_without_records_is_no_prefix(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="is no conda environment"):
        load_prefix(tmp_path)
