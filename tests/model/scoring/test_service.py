import pytest

from envsync.errors import DefinitionError
from envsync.model.scoring.service import ServiceStatus, check_service_name, suggest_service_name


@pytest.mark.parametrize("name", ["abc", "a-1", "churn-2026", "a" * 32])
def test_a_name_that_azure_ml_takes_is_taken(name: str) -> None:
    assert check_service_name(name) == name
    assert suggest_service_name(name) == name


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("ab", "service-ab"),
        ("Churn", "churn"),
        ("1st", "service-1st"),
        ("a_b", "a-b"),
        ("abc-", "abc"),
        ("", "service"),
        ("a" * 33, "a" * 32),
        ("a" * 31 + "-b", "a" * 31),
        ("ä", "service"),
    ],
)
def test_a_name_that_azure_ml_refuses_is_refused_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        check_service_name(name)

    assert caught.value.message == f"`{name}` can't be the name of a service"
    assert caught.value.hint is not None
    assert caught.value.hint.endswith(f", such as `{near}`")
    assert check_service_name(near) == near


def test_requests_go_to_the_port_that_a_service_has() -> None:
    status = ServiceStatus(name="churn", kind="process", state="running", port=6789)
    stopped = ServiceStatus(name="churn", kind="process", state="failed", port=None)

    assert status.scoring_uri == "http://localhost:6789/score"
    assert stopped.scoring_uri is None
