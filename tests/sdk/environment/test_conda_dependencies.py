"""Each difference from azureml-core that `CondaDependencies` lists, and what stays the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envsync import CondaDependencies, DefinitionError
from envsync.model.environment import CondaSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def asking(
    *match_specs: str, pip: tuple[str, ...] = (), options: tuple[str, ...] = ()
) -> CondaDependencies:
    return CondaDependencies.from_spec(
        CondaSpec(
            channels=("conda-forge",),
            match_specs=match_specs,
            pip_requirements=pip,
            pip_options=options,
            has_pip_section=bool(pip or options),
        )
    )


def test_the_defaults_are_one_python_one_channel_and_azureml_defaults() -> None:
    for dependencies in (CondaDependencies(), CondaDependencies.create()):
        assert dependencies.conda_packages == ("python=3.10.18",)
        assert dependencies.conda_channels == ("conda-forge",)
        assert dependencies.pip_packages == ("azureml-defaults",)
        assert dependencies.pip_options == ()


def test_create_adds_nothing_that_was_not_asked_for() -> None:
    created = CondaDependencies.create(
        pip_indexurl="https://pkgs.example.com/simple/",
        pip_packages=["joblib==1.3.2"],
        conda_packages=["scikit-learn=1.3"],
        python_version="3.9",
    )

    assert created.serialize_to_string() == (
        "name: project_environment\n"
        "channels:\n- conda-forge\n"
        "dependencies:\n- python=3.9\n- scikit-learn=1.3\n"
        "- pip:\n  - --index-url https://pkgs.example.com/simple/\n  - joblib==1.3.2\n"
    )


def test_create_keeps_two_bounds_of_one_package_and_one_python() -> None:
    created = CondaDependencies.create(conda_packages=["numpy>=1.2", "python=3.11", "numpy<2"])

    assert created.conda_packages == ("python=3.11", "numpy>=1.2", "numpy<2")


def test_without_pip_packages_there_is_no_pip_section() -> None:
    assert "pip" not in CondaDependencies.create(pip_packages=[]).serialize_to_string()


def test_pinning_to_an_sdk_that_is_not_there_is_warned_about() -> None:
    with pytest.warns(UserWarning, match="the lock pins them"):
        CondaDependencies.create(pin_sdk_version=True)


@pytest.mark.parametrize(
    ("there", "added", "expected"),
    [
        (("a=1", "numpy=1.19", "b=2"), "numpy=1.20", ("a=1", "numpy=1.20", "b=2")),
        (("numpy=1", "numpy<2"), "NumPy=3", ("NumPy=3",)),
        (("conda-forge::numpy=1",), "numpy=2", ("numpy=2",)),
        (("numpy[version='>=1']",), "numpy 2.*", ("numpy 2.*",)),
        (("numpy=1",), "numpy", ("numpy=1",)),
        (("numpy",), "numpy=1", ("numpy=1",)),
        (("python=3.8", "a"), "python=3.9", ("python=3.9", "a")),
        (("python_abi=3",), "python=3.9", ("python_abi=3", "python=3.9")),
        ((), "  pip ", ("pip",)),
    ],
)
def test_a_conda_package_takes_the_place_of_the_one_of_its_name(
    there: tuple[str, ...], added: str, expected: tuple[str, ...]
) -> None:
    dependencies = asking(*there)

    dependencies.add_conda_package(added)

    assert dependencies.conda_packages == expected


@pytest.mark.parametrize(
    ("there", "added", "expected"),
    [
        (("a==1", "scikit_learn==1"), "scikit-learn==2", ("a==1", "scikit-learn==2")),
        (("Flask[async]==1",), "flask==2", ("flask==2",)),
        (("azureml-core==1.5",), "azureml-core", ("azureml-core==1.5",)),
        (("acme-tools==1",), "git+https://x.org/t.git#egg=acme_tools",
         ("git+https://x.org/t.git#egg=acme_tools",)),
        (("https://x.org/acme_core-1.4-py3-none-any.whl",), "acme-core==2", ("acme-core==2",)),
        (("./pkg",), "./pkg", ("./pkg",)),
        (("./pkg",), "./other", ("./pkg", "./other")),
        (("a==1; python_version<'3.9'",), "a==2; python_version>='3.9'",
         ("a==1; python_version<'3.9'", "a==2; python_version>='3.9'")),
        (("a==1; python_version<'3.9'", "a==2; python_version>='3.9'"), "a==3", ("a==3",)),
        (("a==1; python_version<'3.9'",), "a==2; python_version < '3.9'",
         ("a==2; python_version < '3.9'",)),
    ],
)  # fmt: skip
def test_a_pip_package_takes_the_place_of_the_one_of_its_name(
    there: tuple[str, ...], added: str, expected: tuple[str, ...]
) -> None:
    dependencies = asking(pip=there)

    dependencies.add_pip_package(added)

    assert dependencies.pip_packages == expected


@pytest.mark.parametrize("named", ["numpy", "NumPy=1.19.2", "conda-forge::numpy", "numpy>=9"])
def test_a_conda_package_is_removed_by_its_name(named: str) -> None:
    dependencies = asking("python=3.9", "numpy=1.19.5", "scipy")

    dependencies.remove_conda_package(named)

    assert dependencies.conda_packages == ("python=3.9", "scipy")


@pytest.mark.parametrize("named", ["scikit-learn", "Scikit_Learn==0.9", "scikit-learn[x]"])
def test_a_pip_package_is_removed_by_its_name(named: str) -> None:
    dependencies = asking(pip=("scikit_learn==1.0", "joblib"))

    dependencies.remove_pip_package(named)

    assert dependencies.pip_packages == ("joblib",)


def test_removing_what_is_not_there_changes_nothing() -> None:
    dependencies = asking("python=3.9", pip=("joblib",))
    before = dependencies.to_spec()

    dependencies.remove_conda_package("numpy")
    dependencies.remove_pip_package("numpy")
    dependencies.remove_channel("bioconda")

    assert dependencies.to_spec() == before


def test_removing_what_is_no_package_changes_nothing_either() -> None:
    dependencies = asking("python=3.9", pip=("joblib",), options=("--pre",))
    before = dependencies.to_spec()

    dependencies.remove_pip_package("=not a requirement=")
    with pytest.raises(DefinitionError, match="`numpy` is not among the pip options"):
        dependencies.remove_pip_option("numpy")

    assert dependencies.to_spec() == before


def test_python_cannot_be_removed() -> None:
    with pytest.raises(DefinitionError, match="need it") as caught:
        CondaDependencies().remove_conda_package("python=3.10.18")
    assert caught.value.hint == "choose another version with `set_python_version`"


@pytest.mark.parametrize(
    ("there", "version", "expected"),
    [
        (("numpy", "python=3.8"), "3.11", ("numpy", "python=3.11")),
        (("numpy",), "3.11", ("python=3.11", "numpy")),
        (("python",), ">=3.10,<3.12", ("python>=3.10,<3.12",)),
        (("conda-forge::python 3.8.*", "a", "python=3.9"), "3.8.*", ("python=3.8.*", "a")),
    ],
)
def test_python_is_set_in_place_or_first(
    there: tuple[str, ...], version: str, expected: tuple[str, ...]
) -> None:
    dependencies = asking(*there)

    dependencies.set_python_version(version)

    assert dependencies.conda_packages == expected


@pytest.mark.parametrize(
    ("item", "version"),
    [
        ("python=3.8.13", "3.8.13"),
        ("python==3.8.13", "3.8.13"),
        ("python 3.8.*", "3.8.*"),
        ("conda-forge::python=3.8.13=h12_0", "3.8.13"),
        ("python>=3.8,<3.11", ">=3.8,<3.11"),
        ("python[version='>=3.8']", ">=3.8"),
        ("python", None),
        ("numpy=1", None),
    ],
)
def test_the_python_version_is_what_is_asked_for(item: str, version: str | None) -> None:
    assert asking(item).get_python_version() == version


def test_options_that_add_up_are_all_kept_and_others_replaced() -> None:
    dependencies = asking(pip=("joblib",))

    for option in (
        "--index-url https://one.example.com/simple",
        "--extra-index-url https://two.example.com/simple",
        "--extra-index-url=https://three.example.com/simple",
        "-i https://four.example.com/simple",
        "--extra-index-url https://two.example.com/simple",
        "--pre",
        "--pre",
    ):
        dependencies.set_pip_option(option)

    assert dependencies.pip_options == (
        "-i https://four.example.com/simple",
        "--extra-index-url https://two.example.com/simple",
        "--extra-index-url=https://three.example.com/simple",
        "--pre",
    )
    assert dependencies.as_dict()["dependencies"][0]["pip"][-1] == "joblib"


@pytest.mark.parametrize("given", ["https://x.org/simple", "--index-url https://x.org/simple"])
def test_an_index_url_needs_no_option_word(given: str) -> None:
    dependencies = asking()

    dependencies.set_pip_index_url(given)

    assert dependencies.pip_options == ("--index-url https://x.org/simple",)


@pytest.mark.parametrize(
    ("removed", "left"),
    [
        ("--extra-index-url", ("--index-url https://a",)),
        ("--extra-index-url https://c", ("--index-url https://a", "--extra-index-url https://b")),
        ("-i", ("--extra-index-url https://b", "--extra-index-url https://c")),
    ],
)
def test_an_option_is_removed_by_its_name_or_with_its_value(
    removed: str, left: tuple[str, ...]
) -> None:
    options = (
        "--index-url https://a",
        "--extra-index-url https://b",
        "--extra-index-url https://c",
    )
    dependencies = asking(options=options)

    dependencies.remove_pip_option(removed)

    assert dependencies.pip_options == left


def test_channels_are_compared_by_what_they_mean() -> None:
    dependencies = asking("python")

    dependencies.add_channel("https://conda.anaconda.org/conda-forge/")
    dependencies.add_channel("bioconda")
    assert dependencies.conda_channels == ("conda-forge", "bioconda")

    dependencies.remove_channel("https://conda.anaconda.org/bioconda")
    assert dependencies.conda_channels == ("conda-forge",)


def test_set_pip_requirements_replaces_packages_and_options() -> None:
    dependencies = asking(pip=("a", "b"), options=("--pre",))

    dependencies.set_pip_requirements(["joblib==1", "--no-index"])

    assert dependencies.pip_packages == ("joblib==1",)
    assert dependencies.pip_options == ("--no-index",)


REFUSED: list[tuple[Callable[[CondaDependencies], object], str, str | None]] = [
    (lambda d: d.add_conda_package("numpy=>1"), "`numpy=>1` is not a match spec",
     "did you mean `numpy>=1`?"),
    (lambda d: d.add_conda_package("flask[async]"), "has extras", "write it under `- pip:`"),
    (lambda d: d.add_conda_package(""), "Empty text where a match spec should be", None),
    (lambda d: d.add_conda_package(3.1), "float where a match spec should be", "give text"),
    (lambda d: d.add_pip_package("numpy=1.2"), "is not a pip requirement",
     "did you mean `numpy==1.2`?"),
    (lambda d: d.add_pip_package("-e ./x"), "is an option, not a package", "use `set_pip_option`"),
    (lambda d: d.set_pip_option("--indx-url https://x"), "is not an option",
     "did you mean `--index-url`?"),
    (lambda d: d.set_pip_option("--index-url"), "`--index-url` lacks its value",
     "write it as in `--index-url https://...`"),
    (lambda d: d.set_pip_option("numpy"), "is not an option",
     "write it as in `--index-url https://...`"),
    (lambda d: d.set_python_version(3.1), "float where a version should be", "give text"),
    (lambda d: d.set_python_version("python=3.9"), "is not a version", "write it as in `3.11`"),
    (lambda d: d.remove_pip_option("--pre"), "`--pre` is not among the pip options", None),
    (lambda d: d.add_channel(" "), "Empty text where a channel should be", None),
    (lambda d: d.set_pip_requirements("numpy"), "One text where a list", "put it in a list"),
    (lambda d: d.set_pip_requirements(["a", "b=1"]), "is not a pip requirement",
     "did you mean `b==1`?"),
    (lambda _: CondaDependencies.create(conda_packages="numpy"), "One text", "put it in a list"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message", "hint"), REFUSED)
def test_what_conda_or_pip_would_not_take_is_refused_at_once(
    change: Callable[[CondaDependencies], object], message: str, hint: str | None
) -> None:
    dependencies = asking("python=3.9", pip=("joblib",))
    before = dependencies.to_spec()

    with pytest.raises(DefinitionError) as caught:
        change(dependencies)

    assert message in caught.value.message
    assert caught.value.hint == hint
    assert dependencies.to_spec() == before


def test_repr_shows_packages_and_no_secret() -> None:
    dependencies = asking("python=3.9", pip=("git+https://u:FAKE-1@x.org/a.git",))
    dependencies.set_pip_index_url("https://build:FAKE-2@pkgs.example.com/simple")
    dependencies.add_channel("https://conda.example.com/t/FAKE-3/acme")

    shown = repr(dependencies)

    assert "python=3.9" in shown
    assert "pkgs.example.com" in shown
    assert "FAKE" not in shown


def test_equal_dependencies_are_equal_whatever_their_comments(tmp_path: Path) -> None:
    path = tmp_path / "c.yml"
    path.write_text("# mine\nchannels: [conda-forge]\ndependencies: [python=3.9]\n")

    assert CondaDependencies(path) == asking("python=3.9")
    assert CondaDependencies(path) != asking("python=3.8")
    assert CondaDependencies(path) != "python=3.9"


def test_save_writes_the_file_and_returns_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    dependencies = asking("python=3.9")

    assert dependencies.save() == "conda_dependencies.yml"
    assert dependencies.save("a.yml") == "a.yml"
    assert dependencies.save_to_file(tmp_path, "b.yml") == str(tmp_path / "b.yml")

    text = "channels:\n- conda-forge\ndependencies:\n- python=3.9\n"
    for name in ("conda_dependencies.yml", "a.yml", "b.yml"):
        assert (tmp_path / name).read_text() == text


def test_a_file_that_is_wrong_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "c.yml"
    path.write_text("dependencies:\n- python=3.9\n- numpy=>1\n")

    with pytest.raises(DefinitionError) as caught:
        CondaDependencies(path)

    assert f"`{path}`:3: dependencies[1]:" in caught.value.message


def test_two_pip_sections_are_one(tmp_path: Path) -> None:
    path = tmp_path / "c.yml"
    path.write_text("dependencies:\n- python=3.9\n- pip:\n  - a==1\n- pip:\n  - b==2\n")
    dependencies = CondaDependencies(path)

    assert dependencies.pip_packages == ("a==1", "b==2")

    dependencies.add_pip_package("B==3")
    assert dependencies.pip_packages == ("a==1", "B==3")
