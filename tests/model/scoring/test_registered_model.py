from pathlib import Path

import pytest

from envsync.errors import DefinitionError
from envsync.model.scoring.registered_model import (
    ModelNotes,
    ModelReference,
    RegisteredModel,
    check_model_name,
    parse_model_reference,
)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("churn", ModelReference(name="churn")),
        ("churn:1", ModelReference(name="churn", version=1)),
        ("7-a.b_C:120", ModelReference(name="7-a.b_C", version=120)),
    ],
)
def test_a_version_of_a_model_stands_behind_a_colon(text: str, reference: ModelReference) -> None:
    assert parse_model_reference(text) == reference


@pytest.mark.parametrize("version", ["", "0", "01", "-1", "latest", "1:2", "1 ", "1" * 10, "¹"])
def test_versions_count_up_from_one(version: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_model_reference(f"churn:{version}")

    assert caught.value.message == f"`churn:{version}`: `{version}` is not the version of a model"
    assert caught.value.hint == "versions count up from 1: `NAME:1`"


@pytest.mark.parametrize("name", ["", "-a", ".a", "a b", "a/b", "ä", "a\n", "a" * 256])
def test_a_name_that_azure_ml_refuses_is_refused(name: str) -> None:
    for check in (check_model_name, parse_model_reference):
        with pytest.raises(DefinitionError) as caught:
            check(name)
        assert caught.value.message == f"`{name}` can't be the name of a model"


def test_a_name_has_up_to_255_letters() -> None:
    assert parse_model_reference("a" * 255).version is None


def test_a_registered_model_goes_by_its_name_and_version() -> None:
    model = RegisteredModel(
        name="churn",
        version=3,
        path=Path("m"),
        sha256="0" * 64,
        size=1,
        created="2026-01-01T00:00:00+00:00",
        notes=ModelNotes(),
    )

    assert model.id == "churn:3"
