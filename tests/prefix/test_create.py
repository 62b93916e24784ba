import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from support.fakes import (
    FakeCondaInstaller,
    FakePipInstaller,
    RecordingReporter,
    conda_package,
    pip_package,
)
from support.hostile import describe, make_surroundings

from envsync.errors import EnvsyncError
from envsync.model.lockfile import LockedPackage
from envsync.prefix.create import create_prefix, is_current
from envsync.prefix.location import generations_path
from envsync.prefix.receipt import Origin, Plan, read_receipt
from envsync.remedy import Option, advise


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
            "a conda environment that envsync did not create",
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
    choice = Option("prefix", "PREFIX")
    assert caught.value.hint == advise("choose another path with ", choice, ", or move it away")


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
    assert reporter.notes == [f"`{plan.prefix}` was changed: `requests-2.32` was added"]


def test_the_receipt_says_what_the_environment_was_made_from(plan: Plan) -> None:
    first, second = Origin(lock="sha256:1"), Origin(lock="sha256:2", definition="sha256:3")
    create(replace(plan, origin=first))
    made = read_receipt(plan.prefix)
    assert made is not None
    assert made.origin == first

    assert not create(replace(plan, origin=second))
    renewed = read_receipt(plan.prefix)
    assert renewed == replace(made, origin=second)


class Linking(FakeCondaInstaller):
    """Leaves *links* in the prefix, by path; those that *leads_out* names lead out of it."""

    def __init__(self, links: dict[str, Path], *, leads_out: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._links = links
        self._leads_out = leads_out

    def install(self, *args: object, target: Path, **more: object) -> tuple[str, ...]:
        super().install(*args, target=target, **more)  # type: ignore[arg-type]
        for path, leads_to in self._links.items():
            place = target / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            place.symlink_to(leads_to)
        return self._leads_out


@pytest.mark.parametrize("name", ["secret", "not-there"])
@pytest.mark.parametrize("path", ["state", "history", "envsync/receipt.json"])
def test_notes_are_not_written_through_a_link(
    plan: Plan, tmp_path: Path, path: str, name: str
) -> None:
    mine = make_surroundings(tmp_path)
    before = describe(mine)

    create(plan, Linking({f"conda-meta/{path}": mine / name}))

    assert describe(mine) == before
    assert not (plan.prefix / "conda-meta" / path).is_symlink()
    assert is_current(plan)


def test_a_link_to_variables_is_not_left_where_there_are_none(plan: Plan, tmp_path: Path) -> None:
    plan = replace(plan, environment_variables=())

    create(plan, Linking({"conda-meta/state": make_surroundings(tmp_path) / "secret"}))

    assert not (plan.prefix / "conda-meta" / "state").is_symlink()


@pytest.mark.parametrize("path", ["conda-meta/envsync"])
def test_a_link_in_the_place_of_a_folder_of_notes_is_refused(
    plan: Plan, tmp_path: Path, path: str
) -> None:
    mine = make_surroundings(tmp_path)
    before = describe(mine)

    with pytest.raises(EnvsyncError, match="A package has a link in the place of"):
        create(plan, Linking({path: mine / "folder"}))

    assert describe(mine) == before
    assert not plan.prefix.exists()


def test_pip_packages_are_not_installed_for_a_python_elsewhere(plan: Plan, tmp_path: Path) -> None:
    mine = make_surroundings(tmp_path)
    before = describe(mine)

    with pytest.raises(EnvsyncError, match="is a link that leads out of the environment"):
        create(plan, Linking({"bin/python": mine / "script.sh"}))

    assert describe(mine) == before
    assert not plan.prefix.exists()


class Writing(FakePipInstaller):
    """Has a file below `share/x` in its packages, which `pip install` puts there."""

    def install(self, packages: Sequence[LockedPackage], *, python: Path) -> None:
        super().install(packages, python=python)
        folder = python.parent.parent / "share" / "x"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "notes").write_text("overwritten")


def test_pip_packages_do_not_follow_a_link_that_leads_out(plan: Plan, tmp_path: Path) -> None:
    mine = make_surroundings(tmp_path)
    before = describe(mine)
    conda = Linking({"share/x": mine / "folder"}, leads_out=("share/x",))

    with pytest.raises(EnvsyncError, match="A pip package has files at `share/x`"):
        create_prefix(plan, conda=conda, pip=Writing(), reporter=RecordingReporter())

    assert describe(mine) == before
    assert not plan.prefix.exists()


def test_a_link_that_leads_out_is_there_when_pip_packages_are_installed(
    plan: Plan, tmp_path: Path
) -> None:
    mine = make_surroundings(tmp_path)
    links = {"lib/driver.so": mine / "secret"}

    create(plan, Linking(links, leads_out=tuple(links)))

    assert (plan.prefix / "lib" / "driver.so").readlink() == mine / "secret"


def test_records_below_a_link_that_leads_out_are_not_rewritten(plan: Plan, tmp_path: Path) -> None:
    """Whoever looks for `lib/python*` finds the link."""
    info = tmp_path / "python9" / "site-packages" / "mine-1.dist-info"
    info.mkdir(parents=True)
    (info / "RECORD").write_text("../../../bin/six,sha256=x,1\r\n")
    before = describe(tmp_path / "python9")
    links = {"lib/python9": tmp_path / "python9"}

    create(plan, Linking(links, leads_out=tuple(links)))

    assert describe(tmp_path / "python9") == before
