import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import (
    FakeCondaInstaller,
    FakePipInstaller,
    RecordingReporter,
    conda_package,
    pip_package,
)

from envsync.errors import EnvsyncError
from envsync.realise.location import generations_path
from envsync.realise.prefix import create_prefix, is_current
from envsync.realise.receipt import Origin, Plan, read_receipt


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(
        prefix=tmp_path / "envs" / "x",
        packages=(conda_package("python"), conda_package("numpy"), pip_package("six")),
        requested=("python=1",),
        environment_variables=(("A", "b"),),
    )


def create(plan: Plan, conda: FakeCondaInstaller | None = None) -> bool:
    return create_prefix(
        plan,
        conda=conda or FakeCondaInstaller(),
        pip=FakePipInstaller(),
        reporter=RecordingReporter(),
    )


def list_generations(plan: Plan) -> list[str]:
    return sorted(path.name for path in generations_path(plan.prefix).glob("[!.]*"))


def test_a_prefix_is_made_and_is_then_current(plan: Plan) -> None:
    assert not is_current(plan)
    assert create(plan)
    assert is_current(plan)
    assert (plan.prefix / "conda-meta" / "numpy.json").exists()


def test_making_it_again_does_nothing(plan: Plan) -> None:
    create(plan)
    before = plan.prefix.resolve()

    assert not create(plan)
    assert plan.prefix.resolve() == before


def test_no_two_tries_are_made_in_one_place(plan: Plan) -> None:
    """What a killed one had started may still write there."""
    places: list[Path] = []

    class Killed(FakeCondaInstaller):
        def install(self, packages: object, *, target: Path, **more: object) -> None:
            del packages, more
            places.append(target)
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            create(plan, Killed())

    assert len(set(places)) == 2
    assert list_generations(plan) == []


def test_records_name_the_final_path(plan: Plan) -> None:
    create(plan)

    record = json.loads((plan.prefix / "conda-meta" / "numpy.json").read_text())
    assert record == {"name": "numpy", "prefix": str(plan.prefix), "requested": ["python=1"]}


def test_console_scripts_name_the_final_interpreter_and_their_record_agrees(plan: Plan) -> None:
    create(plan)

    script = plan.prefix / "bin" / "six"
    assert script.read_text().splitlines()[0] == f"#!{plan.prefix}/bin/python"
    assert os.access(script, os.X_OK)
    record = plan.prefix / "lib/python3.11/site-packages/six-1.0.dist-info/RECORD"
    name, digest, size = record.read_text().splitlines()[0].split(",")
    assert name == "../../../bin/six"
    assert digest != "sha256=old"
    assert int(size) == script.stat().st_size


def test_variables_stand_where_conda_looks_for_them(plan: Plan) -> None:
    create(plan)

    state = json.loads((plan.prefix / "conda-meta" / "state").read_text())
    assert state["env_vars"] == {"A": "b"}
    assert (plan.prefix / "conda-meta" / "history").exists()


def test_the_prefix_is_listed_once_where_conda_looks_for_it(plan: Plan) -> None:
    create(plan)
    create(replace(plan, environment_variables=()))

    registry = Path.home() / ".conda" / "environments.txt"
    assert registry.read_text().splitlines().count(str(plan.prefix)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"packages": (conda_package("python", version="2.0"),)},
        {"environment_variables": (("A", "c"),)},
        {"requested": ("python",)},
    ],
)
def test_whatever_decides_the_environment_makes_a_new_one(
    plan: Plan, change: dict[str, object]
) -> None:
    create(plan)

    assert create(replace(plan, **change))  # type: ignore[arg-type]


def test_an_update_replaces_the_old_environment_and_keeps_one_to_go_back_to(plan: Plan) -> None:
    for version in ("1.0", "2.0", "3.0"):
        create(replace(plan, packages=(conda_package("python", version=version),)))

    assert not (plan.prefix / "bin" / "six").exists()
    assert list_generations(plan) == ["2", "3"]


@pytest.mark.parametrize("failure", [EnvsyncError("no"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_environment(plan: Plan, failure: BaseException) -> None:
    create(plan)
    changed = replace(plan, packages=(conda_package("python", version="2.0"),))

    with pytest.raises(type(failure)):
        create(changed, FakeCondaInstaller(failure=failure))

    assert is_current(plan)
    assert list_generations(plan) == ["1"]


def test_what_a_killed_process_left_is_swept_away(plan: Plan) -> None:
    left = generations_path(plan.prefix) / "1.partial"
    left.mkdir(parents=True)
    (left / "half").touch()

    assert create(plan)
    assert not left.exists()


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda path: path.write_text(""), "a file"),
        (
            lambda path: (path / "conda-meta").mkdir(parents=True),
            "a conda environment that envsync did not make",
        ),
        (lambda path: (path / "data").mkdir(parents=True), "a folder with files in it"),
        (lambda path: path.symlink_to("/"), "a link to somewhere else"),
    ],
)
def test_what_envsync_did_not_make_is_never_replaced(plan: Plan, make, found: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    plan.prefix.parent.mkdir()
    make(plan.prefix)

    with pytest.raises(EnvsyncError) as caught:
        create(plan)

    assert caught.value.message == f"`{plan.prefix}` is {found}"
    assert caught.value.hint == "choose another path with `-p PREFIX`, or move it away"


def test_an_empty_folder_may_be_replaced(plan: Plan) -> None:
    plan.prefix.mkdir(parents=True)

    assert create(plan)
    assert plan.prefix.is_symlink()


def test_pip_packages_need_a_python(plan: Plan) -> None:
    with pytest.raises(EnvsyncError, match="no Python to install them for"):
        create(replace(plan, packages=(pip_package("six"),)))

    assert not plan.prefix.exists()


def test_a_receipt_that_is_no_receipt_is_not_believed(plan: Plan) -> None:
    create(plan)
    receipt = plan.prefix / "conda-meta" / "envsync" / "receipt.json"

    for text in ("", "[]", '{"digest": 1}', '{"version": 1, "digest": "' + plan.digest + '"}'):
        receipt.write_text(text)
        assert not is_current(plan)


def test_an_environment_that_somebody_installed_into_is_made_anew(plan: Plan) -> None:
    create(plan)
    added = plan.prefix / "lib/python3.11/site-packages/requests-2.32.dist-info"
    added.mkdir()

    assert not is_current(plan)
    reporter = RecordingReporter()
    assert create_prefix(
        plan, conda=FakeCondaInstaller(), pip=FakePipInstaller(), reporter=reporter
    )
    assert not (plan.prefix / "lib/python3.11/site-packages/requests-2.32.dist-info").exists()
    assert reporter.notes == [f"`{plan.prefix}` is not as it was made: `requests-2.32` was added"]


def test_the_receipt_says_what_the_environment_was_made_from(plan: Plan) -> None:
    first, second = Origin(lock="sha256:1"), Origin(lock="sha256:2", definition="sha256:3")
    create(replace(plan, origin=first))
    made = read_receipt(plan.prefix)
    assert made is not None
    assert made.origin == first

    assert not create(replace(plan, origin=second))
    renewed = read_receipt(plan.prefix)
    assert renewed == replace(made, origin=second)
