from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from definition.test_properties import SPECS, STARTS
from hypothesis import HealthCheck, given, settings

from envsync import Environment
from envsync.sdk.place import is_same

if TYPE_CHECKING:
    from envsync.model.environment import EnvironmentSpec

few = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.slow
@few
@given(SPECS, STARTS)
def test_any_definition_survives_being_an_environment(
    spec: EnvironmentSpec, start: dict[str, object]
) -> None:
    spec = replace(spec, **start)

    back = Environment.from_spec(spec).to_spec()

    assert is_same(back, spec)
    assert (back.directory, back.files, back.conda) == (spec.directory, spec.files, spec.conda)
    assert back.base_dockerfile == spec.base_dockerfile


@pytest.mark.slow
@few
@given(SPECS)
def test_a_copy_of_an_environment_is_the_same_and_apart(spec: EnvironmentSpec) -> None:
    environment = Environment.from_spec(spec)

    for made in (copy.deepcopy(environment), pickle.loads(pickle.dumps(environment))):  # noqa: S301  # our own
        assert is_same(made.to_spec(), environment.to_spec())
        made.environment_variables["NEW"] = "1"
        assert is_same(environment.to_spec(), spec)


def test_definitions_that_differ_are_not_the_same() -> None:
    one = Environment("churn").to_spec()
    assert one.conda is not None

    assert is_same(one, Environment("churn").to_spec())
    for other in (
        replace(one, name="other"),
        replace(one, docker=replace(one.docker, arguments=("-it",))),
        replace(one, base_dockerfile="FROM a\n"),
        replace(one, conda=None),
        replace(one, conda=replace(one.conda, match_specs=("python",))),
    ):
        assert not is_same(one, other)
