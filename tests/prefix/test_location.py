from pathlib import Path

import pytest

from envsync.errors import DefinitionError
from envsync.prefix.location import environment_path, find_home


def test_an_environment_lies_under_the_home_by_its_name(tmp_path: Path) -> None:
    assert environment_path("x", tmp_path) == tmp_path / "envs" / "x"


@pytest.mark.parametrize("name", ["", "a/b", "a b", "..", ".hidden", "a\\b", "c:"])
def test_a_name_that_is_no_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="can't be the name of an environment's folder"):
        environment_path(name, tmp_path)


def test_the_home_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ENVSYNC_HOME", str(tmp_path))
    assert find_home() == tmp_path

    monkeypatch.delenv("ENVSYNC_HOME")
    assert find_home() == Path.home() / ".envsync"
