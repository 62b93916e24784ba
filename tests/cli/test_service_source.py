"""What a service copies, who can read it, and what is left alone: seen in the file system."""

from __future__ import annotations

import http.client
import json
import os
import re
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from envsync.process import read_identity

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Done

    Envsync = Callable[..., Done]

SCRIPT = "def init(): pass\ndef run(raw_data): return raw_data\n"
OPTIONS = ("--detach", "--python", sys.executable, "--port", "0", "--service-name", "churn")
MEBIBYTE = 1 << 20


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a script's folder in a working directory that holds other things."""
    made = tmp_path / "proj"
    made.mkdir()
    (made / "score.py").write_text(SCRIPT)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/private.txt").write_text("private")
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/id_rsa").write_text("private")
    return made


def copies(services: Path) -> set[str]:
    """Return the files of the source that the service has a copy of."""
    place = (services / "churn/current").resolve() / "app"
    (source,) = place.glob(".source-*")
    return {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()}


def grow(path: Path, mebibytes: int) -> None:
    with path.open("wb") as stream:
        stream.truncate(mebibytes * MEBIBYTE)


def test_a_script_without_a_definition_brings_its_own_folder_alone(
    envsync: Envsync, project: Path, services: Path
) -> None:
    (project / "helper.py").write_text("")
    done = envsync("serve", *OPTIONS, "--entry-script", "proj/score.py")

    assert done.status == 0, done.stderr
    assert copies(services) == {"score.py", "helper.py"}
    assert not [path for path in services.rglob("*") if path.name in ("private.txt", "id_rsa")]


def test_a_folder_that_is_named_is_the_source(
    envsync: Envsync, project: Path, services: Path
) -> None:
    (project / "src").mkdir()
    (project / "score.py").rename(project / "src/score.py")
    (project / "shared.py").write_text("")
    done = envsync("serve", "proj", *OPTIONS, "--entry-script", "src/score.py")

    assert done.status == 0, done.stderr
    assert copies(services) == {"src/score.py", "shared.py"}


def test_what_is_ignored_is_never_copied_however_the_source_comes(
    envsync: Envsync, project: Path, services: Path
) -> None:
    (project / ".amlignore").write_text("*.csv\n")
    (project / "a.csv").write_text("")
    deployed = envsync("serve", "proj", *OPTIONS)
    first = copies(services)
    (project / "b.csv").write_text("")
    (project / "b.py").write_text("")
    reloaded = envsync("service", "reload", "churn")
    link = (services / "churn/current/app/proj").resolve()
    second = {path.name for path in link.iterdir()}
    updated = envsync("service", "update", "churn")
    third = copies(services)

    assert [done.status for done in (deployed, reloaded, updated)] == [0, 0, 0]
    assert first == {".amlignore", "score.py"}
    assert second == third == {".amlignore", "score.py", "b.py"}


def test_a_model_that_links_out_of_the_definition_is_refused_unless_that_is_asked_for(
    envsync: Envsync, project: Path, services: Path, tmp_path: Path
) -> None:
    (project / "model").symlink_to(tmp_path / ".ssh")
    refused = envsync("serve", "proj", *OPTIONS)
    names = {path.name for path in services.rglob("*")}
    followed = envsync("serve", "proj", *OPTIONS, "--follow-links")
    updated = envsync("service", "update", "churn")
    copied = [path.name for path in (services / "churn/current/app/").rglob("*rsa")]
    named = envsync("serve", "proj", *OPTIONS, "--model-dir", "proj/model")

    assert refused.status == 2
    assert refused.stderr == (
        f"Error: `{project}/model` links to `{tmp_path}/.ssh`, which is not in `{project}`\n"
        "Hint: put a copy in its place, or copy what such links lead to: `--follow-links`, "
        "in Python `follow_links=True`\n"
    )
    assert names <= {".locks", "churn", ".envsync.lock"}
    assert (followed.status, updated.status) == (0, 0), followed.stderr
    assert copied
    assert named.status == 0, named.stderr


def test_a_large_source_is_refused_before_anything_is_copied(
    envsync: Envsync, project: Path, services: Path
) -> None:
    grow(project / "train.csv", 301)
    refused = envsync("serve", "proj", *OPTIONS)
    names = {path.name for path in services.rglob("*")}
    taken = envsync("serve", "proj", *OPTIONS, "--allow-large-source")

    assert refused.status == 2
    assert refused.stderr == (
        f"Error: The source `{project}` has 301 MiB, and 300 MiB are the limit\n"
        "  301 MiB in `train.csv`\n"
        f"Hint: list what the script does not need in `{project}/.amlignore`, as for Azure ML, "
        "or copy all of it: `--allow-large-source`, in Python `allow_large_source=True`\n"
    )
    assert names <= {".locks", "churn", ".envsync.lock"}
    assert taken.status == 0, taken.stderr
    assert envsync("service", "update", "churn").status == 0  # it was allowed for good


def test_a_source_that_has_grown_large_is_refused_and_the_old_one_goes_on(
    envsync: Envsync, project: Path, services: Path
) -> None:
    assert envsync("serve", "proj", *OPTIONS).status == 0
    grow(project / "train.csv", 301)
    refused = [envsync("service", verb, "churn") for verb in ("reload", "update")]
    size = sum(path.stat().st_size for path in services.rglob("*") if path.is_file())
    taken = envsync("service", "reload", "churn", "--allow-large-source")

    assert [done.status for done in refused] == [2, 2]
    assert all("301 MiB in `train.csv`" in done.stderr for done in refused)
    assert size < MEBIBYTE
    assert taken.status == 0, taken.stderr


def test_a_link_out_of_the_source_is_not_followed_unasked(
    envsync: Envsync, project: Path, services: Path, tmp_path: Path
) -> None:
    (project / "keys").symlink_to(tmp_path / "letters")
    refused = envsync("serve", "proj", *OPTIONS)
    left = [path.name for path in services.rglob("*.txt")]
    followed = envsync("serve", "proj", *OPTIONS, "--follow-links")

    assert (refused.status, left) == (2, [])
    assert refused.stderr.startswith(f"Error: `{project}/keys` links to `{tmp_path}/letters`, ")
    assert followed.status == 0, followed.stderr
    assert copies(services) == {"score.py", "keys/private.txt"}


def test_a_home_below_the_source_is_not_copied(
    envsync: Envsync,
    project: Path,
    services: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del services
    monkeypatch.setenv("ENVSYNC_HOME", str(project / "home"))
    place = project / "home/services"
    try:
        done = [envsync("serve", "proj", *OPTIONS) for _ in range(2)]
        found = copies(place)
    finally:
        for path in place.glob("*/[0-9]*"):
            identity = read_identity(path)
            if identity is not None:
                identity.kill()

    assert [one.status for one in done] == [0, 0]
    assert found == {"score.py"}


def test_options_about_the_source_need_a_copy_of_it(envsync: Envsync, project: Path) -> None:
    for option in ("--allow-large-source", "--follow-links"):
        done = envsync("serve", str(project), "--python", sys.executable, option)

        assert done.status == 2
        assert f"`{option}` is for `--detach` and `--docker`" in done.stderr


def open_to_others(top: Path) -> list[str]:
    """Return what below *top* others may do anything with, links aside."""
    paths = [top, *top.rglob("*")]
    return [
        f"{path} {stat.S_IMODE(path.lstat().st_mode):o}"
        for path in paths
        if not path.is_symlink() and stat.S_IMODE(path.lstat().st_mode) & 0o077
    ]


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_nobody_else_can_read_a_service_whatever_the_umask(
    envsync: Envsync, project: Path, services: Path, mask: int
) -> None:
    (project / "score.py").write_text(
        "import os\ndef init(): print('secret', flush=True)\n"
        "def run(raw_data):\n    mask = os.umask(0); os.umask(mask); return mask\n"
    )
    before = os.umask(mask)
    try:
        assert envsync("serve", "proj", *OPTIONS).status == 0
        found = open_to_others(services)
        assert envsync("service", "reload", "churn").status == 0
        assert envsync("service", "update", "churn").status == 0
        found += open_to_others(services)
        port = json.loads(envsync("service", "list", "--json").stdout)[0]["port"]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/score", body="{}")
        of_script = json.loads(connection.getresponse().read())
        connection.close()
    finally:
        os.umask(before)

    assert found == []
    assert (services / "churn/current/log").read_text().startswith("secret")
    assert stat.S_IMODE((services / "churn/current/control").stat().st_mode) == 0o600
    assert of_script == mask  # the script's own files are its own affair


def test_what_an_earlier_version_left_open_is_closed(
    envsync: Envsync, project: Path, services: Path
) -> None:
    assert envsync("serve", "proj", *OPTIONS).status == 0
    for path in (services, services / "churn", *(services / "churn/1").iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (services / "churn/1").chmod(0o755)
    assert envsync("service", "logs", "churn").status == 0
    closed = open_to_others(services)

    assert closed == []
    assert project.exists()


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
NOBODY = 65534


@needs_root
@pytest.mark.parametrize(
    "place", [".", "churn", "churn/1", "churn/current", "churn/1/service.json"]
)
@pytest.mark.parametrize(
    "command",
    [("service", "list"), ("service", "logs", "churn"), ("service", "reload", "churn")],
    ids=lambda words: words[1],
)
def test_what_belongs_to_somebody_else_is_not_used(
    envsync: Envsync, project: Path, services: Path, place: str, command: tuple[str, ...]
) -> None:
    assert envsync("serve", str(project), *OPTIONS).status == 0
    os.chown(services / place, NOBODY, NOBODY, follow_symlinks=False)
    done = envsync(*command)

    assert done.status == 1
    assert re.match(r"Error: `\S+` belongs to another user\nHint: move it away", done.stderr)
    os.chown(services / place, 0, 0, follow_symlinks=False)


@needs_root
@pytest.mark.parametrize("is_link", [True, False])
def test_a_place_for_services_that_somebody_else_made_is_not_used(
    envsync: Envsync, project: Path, services: Path, tmp_path: Path, *, is_link: bool
) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    os.chown(trap, NOBODY, NOBODY)
    services.parent.mkdir(parents=True, exist_ok=True)
    if is_link:
        services.symlink_to(trap)
    else:
        trap.rename(services)
    done = envsync("serve", str(project), *OPTIONS)

    assert done.status == 1
    assert "belongs to another user" in done.stderr
    assert list(services.iterdir()) == []


def statuses(envsync: Envsync) -> tuple[int, ...]:
    """Return how requests are answered: plain, to another host, to an allowed one, cross-site."""
    port = json.loads(envsync("service", "list", "--json").stdout)[0]["port"]
    found = []
    for headers in (
        {},
        {"Host": "evil.example"},
        {"Host": "ml.example.com"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/score", body="{}", headers=headers)
        found.append(connection.getresponse().status)
        connection.close()
    return tuple(found)


def test_the_hosts_that_a_service_answers_are_kept(
    envsync: Envsync, project: Path, services: Path
) -> None:
    del services
    assert envsync("serve", str(project), *OPTIONS).status == 0
    plain = statuses(envsync)
    assert envsync("service", "update", "churn", "--allowed-host", "ml.example.com").status == 0
    allowed = statuses(envsync)
    assert envsync("service", "reload", "churn").status == 0
    reloaded = statuses(envsync)
    assert envsync("service", "update", "churn").status == 0
    updated = statuses(envsync)

    assert plain == (200, 421, 421, 403)
    assert allowed == reloaded == updated == (200, 421, 200, 403)


@pytest.mark.parametrize(
    "command", [("serve",), ("serve", *OPTIONS), ("score", "--data", "letters")]
)
def test_what_no_process_can_start_with_is_said(
    envsync: Envsync, project: Path, services: Path, command: tuple[str, ...]
) -> None:
    python = () if "--python" in command else ("--python", sys.executable)
    definition = {"name": "d", "environmentVariables": {"A\0B": "x"}}
    (project / "azureml_environment.json").write_text(json.dumps(definition))
    (project / "conda_dependencies.yml").write_text("dependencies: [python]")
    (project / "loop").symlink_to("loop")
    name, *options = command
    variable = envsync(name, "proj", *options, *python)
    circle = envsync(name, "proj/loop", *options, *python)

    assert (variable.status, circle.status) == (2, 2)
    assert "the name of a variable holds neither" in variable.stderr
    assert not list(services.glob("[a-z]*"))
