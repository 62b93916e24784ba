"""What those who carry the project on rely on: packaging, CI, hooks and the contributor's guide."""

from __future__ import annotations

import email
import itertools
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

CHECKOUT = Path(__file__).resolve().parents[1]
GITHUB = CHECKOUT / ".github"
GUIDE = GITHUB / "CONTRIBUTING.md"
PAGES = sorted(GITHUB.glob("*.md"))
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(it for it in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if it.stem != "config")
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))

# Programs that a job's machine or the person at the keyboard has; all others come with the
# dependency group `dev`.
_AT_HAND = {".", "bash", "cd", "cp", "docker", "env", "pip", "python", "python3"}
_BRINGS_ITS_OWN = {"smoke/bin/envsync", "$RUNNER_TEMP/smoke/bin/pip"}  # that the job makes itself
_PLACE = re.compile(r"(?:\.ci|\.github|envsync|specs|tests)/[\w./-]+")


def read_yaml(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        yield from read_yaml(path)["jobs"].items()


def steps() -> Iterator[dict[str, Any]]:
    for _, job in jobs():
        yield from job["steps"]


def commands_of(script: str) -> Iterator[list[str]]:
    """Yield the words of each command of a shell script without control structures."""
    for line in script.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="&")
        lexer.whitespace_split = True
        for is_end, group in itertools.groupby(lexer, lambda word: word == "&&"):
            words = list(group)
            if not is_end:
                yield words[3:] if words[:3] == ["env", "-u", "CI"] else words
            if words[0] == "docker":  # which gets a script
                yield from commands_of(words[-1])


def shown_in(page: Path) -> Iterator[list[str]]:
    """Yield the commands that a page shows, in blocks and in running text."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        yield from commands_of(block.replace("$ ", ""))
    for quoted in re.findall(r"`((?:envsync|pip|pre-commit|pytest|python3|uv) [^`]+)`", text):
        yield from commands_of(quoted)


def all_commands() -> Iterator[list[str]]:
    for step in steps():
        yield from commands_of(step.get("run", ""))
    for page in PAGES:
        yield from shown_in(page)
    for hook in hooks():
        yield from commands_of(hook["entry"])


def hooks() -> list[dict[str, Any]]:
    config = read_yaml(CHECKOUT / ".pre-commit-config.yaml")
    return [hook for repository in config["repos"] for hook in repository["hooks"]]


@pytest.fixture(scope="module")
def wheel(module_folder: Path) -> zipfile.ZipFile:
    command = ["uv", "build", "--wheel", "--quiet", "--out-dir", str(module_folder), str(CHECKOUT)]
    subprocess.run(command, check=True)
    return zipfile.ZipFile(next(module_folder.glob("*.whl")))


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(wheel.read(name))


@pytest.mark.e2e
def test_the_wheel_has_every_file_of_the_package_and_none_besides(wheel: zipfile.ZipFile) -> None:
    packaged = {name for name in wheel.namelist() if ".dist-info/" not in name}
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "envsync"]
    done = subprocess.run(listed, cwd=CHECKOUT, capture_output=True, text=True, check=True)

    assert packaged == {name for name in done.stdout.split() if (CHECKOUT / name).is_file()}
    assert {"envsync/LICENSE", "envsync/py.typed", "envsync/__init__.pyi"} <= packaged
    assert {f"envsync/docs/{it.name}" for it in (CHECKOUT / "envsync/docs").glob("*")} <= packaged


@pytest.mark.e2e
def test_the_wheel_names_its_licence_and_has_its_text(
    wheel: zipfile.ZipFile, metadata: Message
) -> None:
    text = (CHECKOUT / "envsync/LICENSE").read_bytes()
    name = next(name for name in wheel.namelist() if name.endswith("/licenses/envsync/LICENSE"))

    assert metadata["License-Expression"] == "MIT"
    assert metadata.get_all("License-File") == ["envsync/LICENSE"]
    assert wheel.read(name) == text
    assert text.startswith(b"MIT License\n\nCopyright (c) 2026 The envsync authors\n")


@pytest.mark.e2e
def test_the_wheel_says_where_the_project_lives(metadata: Message) -> None:
    urls = dict(line.split(", ") for line in metadata.get_all("Project-URL") or ())

    assert set(urls) == {"Homepage", "Documentation", "Source", "Issues", "Changelog"}
    assert all(url.startswith(urls["Homepage"]) for url in urls.values())


def test_the_pythons_that_are_promised_are_those_that_are_tested() -> None:
    prefix = "Programming Language :: Python :: 3."
    classifiers = PROJECT["project"]["classifiers"]
    minors = [int(it.removeprefix(prefix)) for it in classifiers if it.startswith(prefix)]
    oldest = f"3.{minors[0]}"
    job = dict(jobs())["tests"]

    assert minors == list(range(minors[0], minors[-1] + 1))
    assert PROJECT["project"]["requires-python"] == f">={oldest}"
    assert PROJECT["tool"]["mypy"]["python_version"] == oldest
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py3{minors[0]}"
    assert job["strategy"]["matrix"]["python"] == [f"3.{minor}" for minor in minors]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda it: it.stem)
def test_a_workflow_may_only_read_and_ends(path: Path) -> None:
    workflow = read_yaml(path)

    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        assert job["timeout-minutes"] <= 90


def test_actions_are_pinned_and_keep_no_credentials() -> None:
    used = [step for step in steps() if "uses" in step]

    assert used
    for step in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|[0-9a-f]{40})", step["uses"])
        if step["uses"].startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_every_path_that_a_command_names_is_there() -> None:
    named = {place for words in all_commands() for word in words for place in _PLACE.findall(word)}

    assert "tests/check.py" in named
    assert [place for place in sorted(named) if not (CHECKOUT / place).exists()] == []


def test_every_program_that_a_command_runs_is_there() -> None:
    programs = {words[0] for words in all_commands()} - _AT_HAND - _BRINGS_ITS_OWN

    assert {"envsync", "lint-imports", "mypy", "pre-commit", "pytest", "ruff"} <= programs
    assert [name for name in sorted(programs) if shutil.which(name) is None] == []


def test_every_command_of_envsync_takes_the_options_that_it_is_given() -> None:
    named: dict[str, set[str]] = {}
    for words in all_commands():
        if words[0] == "envsync" and words[1:2] and not words[1].startswith("-"):
            options = {word for word in words[2:] if word.startswith("--")}
            named.setdefault(words[1], set()).update(options)

    claimed = {"build-local", "check", "diff", "lock", "score", "validate"}
    assert claimed <= named.keys()
    for command, options in named.items():
        envsync = [sys.executable, "-m", "envsync", command, "--help"]
        done = subprocess.run(envsync, capture_output=True, text=True, check=True)
        assert options <= set(re.findall(r"--[\w-]+", done.stdout)), command


def test_the_markers_that_are_named_are_registered() -> None:
    registered = {line.partition(":")[0] for line in PROJECT["tool"]["pytest"]["markers"]}
    chosen = {
        words[words.index("-m") + 1]
        for words in all_commands()
        if words[0] == "pytest" and "-m" in words
    }

    assert chosen == {"not e2e and not docker and not slow"}
    assert (
        set(re.findall(r"^\| `(\w+)` \| \w", GUIDE.read_text("utf-8"), re.MULTILINE)) == registered
    )


def test_the_hooks_are_the_linters_that_the_guide_names_and_the_whole_check_runs() -> None:
    whole_check = (CHECKOUT / "tests/check.py").read_text(encoding="utf-8")
    linters = [linter for hook in hooks() for linter, *_ in commands_of(hook["entry"])]
    blocks = re.findall(r"```console\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)

    assert sorted(linters) in [sorted(it.split()[1] for it in b.splitlines()) for b in blocks]
    assert [linter for linter in linters if f'"{linter}"' not in whole_check] == []


@pytest.mark.parametrize("path", FORMS, ids=lambda it: it.stem)
def test_a_form_asks_for_something_that_must_be_said(path: Path) -> None:
    form = read_yaml(path)
    asked = [element for element in form["body"] if element["type"] != "markdown"]

    assert form["name"]
    assert form["description"]
    assert len({element["id"] for element in asked}) == len(asked)
    assert any(element.get("validations", {}).get("required") for element in asked)


@pytest.mark.parametrize("page", PAGES, ids=lambda it: it.stem)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))

    assert [it for it in links if "://" not in it and not (page.parent / it).exists()] == []


def test_the_guide_names_every_room_and_no_other() -> None:
    package = CHECKOUT / "envsync"
    named = re.findall(r"^\| `(\w+(?:/|\.py))` \|", GUIDE.read_text("utf-8"), re.MULTILINE)
    rooms = {f"{it.parent.name}/" for it in package.glob("*/__init__.py")}

    assert set(named) == {"docs/"} | rooms | {it.name for it in package.glob("[!_]*.py")}


def test_the_guide_shows_the_layers_that_are_enforced() -> None:
    blocks = re.findall(r"```text\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    layers = next(it["layers"] for it in contracts if it["id"] == "layers")

    assert "\n".join(it for it in layers if it != "__main__") + "\n" in blocks
