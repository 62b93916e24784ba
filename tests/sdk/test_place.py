from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.definitions import document_with, write_definition

from envsync import (
    DefinitionError,
    Environment,
    LockOptions,
)

if TYPE_CHECKING:
    from pathlib import Path

YML = "# owner: data-platform\nname: train\ndependencies:\n- python=3.9\n- pip:\n  - joblib==1\n"


def put(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_what_nobody_names_and_nobody_manages_is_not_saved(tmp_path: Path) -> None:
    environment = Environment("churn")
    environment.python.conda_dependencies = None

    with pytest.raises(DefinitionError, match="and they are not user-managed"):
        environment.save_to_directory(tmp_path / "d")

    environment.python.user_managed_dependencies = True
    environment.save_to_directory(tmp_path / "d")
    assert Environment.load_from_directory(tmp_path / "d").python.conda_dependencies is None


def test_a_path_that_would_lead_nowhere_is_said(tmp_path: Path) -> None:
    file = put(tmp_path / "env.yml", "dependencies: [python=3.9, {pip: [-r requirements.txt]}]\n")
    environment = Environment.from_conda_specification("churn", file)

    (finding,) = environment.save_to_directory(tmp_path / "d")
    assert "`-r requirements.txt` starts at the definition's directory" in finding.message


def test_a_change_has_to_be_saved_before_it_is_locked(tmp_path: Path) -> None:
    write_definition(tmp_path / "d")
    environment = Environment.load_from_directory(tmp_path / "d")
    environment.environment_variables["NEW"] = "1"

    for command in (environment.lock, environment.build_local):
        with pytest.raises(DefinitionError, match="differs from the environment `churn`"):
            command()

    assert not (tmp_path / "d/conda-lock.yml").exists()


def test_a_file_that_changed_meanwhile_has_to_be_loaded_again(tmp_path: Path) -> None:
    write_definition(tmp_path / "d")
    environment = Environment.load_from_directory(tmp_path / "d")
    write_definition(tmp_path / "d", conda=YML)

    with pytest.raises(DefinitionError, match="differs from") as caught:
        environment.lock()
    assert "or load it again" in (caught.value.hint or "")


def test_user_managed_dependencies_are_neither_locked_nor_built() -> None:
    environment = Environment("churn")
    environment.python.user_managed_dependencies = True

    for command in (environment.lock, environment.build_local):
        with pytest.raises(DefinitionError, match="are user-managed: there is nothing to lock"):
            command()


def test_a_missing_lock_is_not_fresh(tmp_path: Path) -> None:
    write_definition(tmp_path / "d")
    lock = tmp_path / "d/conda-lock.yml"

    result = Environment.load_from_directory(tmp_path / "d").check()

    assert not result.is_fresh
    assert result.path == lock
    assert result.reasons == (f"`{lock}` does not exist",)


def test_checking_a_new_environment_writes_nothing(private_home: Path) -> None:
    assert not Environment("churn").check().is_fresh
    assert not (private_home / ".envsync").exists()


def test_an_option_for_a_subdir_that_is_none_is_refused() -> None:
    with pytest.raises(DefinitionError, match="`linux-128` is not a subdir"):
        Environment("churn").lock(LockOptions(subdirs=("linux-128",)))


@pytest.mark.parametrize("name", ["a b", "../../etc", "a/b:c*d", ".hidden", "日本", "%2E"])
def test_a_draft_lies_under_the_home_whatever_its_name(name: str, private_home: Path) -> None:
    path = Environment(name).check().path

    drafts = (private_home / ".envsync/drafts").resolve()
    assert path.resolve().parent.parent == drafts
    assert not path.parent.name.startswith(".")


def test_two_names_are_two_drafts() -> None:
    names = ["a/b", "a%2Fb", "a b", ".a", "%2Ea", "A/b"]

    assert len({Environment(name).check().path for name in names}) == len(names)


def test_a_draft_that_names_files_beside_its_definition_is_refused(tmp_path: Path) -> None:
    file = put(tmp_path / "env.yml", "dependencies: [python=3.9, {pip: [./wheels/a.whl]}]\n")

    with pytest.raises(DefinitionError, match=r"`./wheels/a.whl` starts at") as caught:
        Environment.from_conda_specification("churn", file).lock()
    assert caught.value.hint == "save the environment beside the file with `save_to_directory`"


def test_an_environment_without_a_name_has_no_draft(tmp_path: Path) -> None:
    write_definition(tmp_path / "d", document_with(name=None))
    environment = Environment.load_from_directory(tmp_path / "d")
    environment.origin = Environment("new").origin

    with pytest.raises(DefinitionError, match="has no name"):
        environment.lock()
